/* SPDX-License-Identifier: MIT */
/*
 * mmap and its family, brk.
 */
#include "compat.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE 4096
static char *anon(size_t n, int prot, int flags)
{
    return mmap(NULL, n, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* Does a store to p survive in a child? */
static int store_kills(volatile char *p)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        *p = 1;
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

static int anonymous_memory_is_zero_and_writable(void)
{
    char *p = anon(16 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK(p != MAP_FAILED);
    for (int i = 0; i < 16 * PAGE; i += 512)
        CHECK(p[i] == 0);
    memset(p, 1, 16 * PAGE);
    CHECK(munmap(p + 4 * PAGE, 4 * PAGE) == 0);
    CHECK(store_kills(p + 5 * PAGE) && !store_kills(p + 3 * PAGE) && !store_kills(p + 8 * PAGE));
    CHECK(munmap(p, 16 * PAGE) == 0);
    CHECK(munmap(p, 16 * PAGE) == 0);
    return 0;
}

static int map_and_unmap_do_not_wear_out(void)
{
    char *first = NULL;
    for (int i = 0; i < 20000; i++) {
        char *p = anon(PAGE, PROT_READ | PROT_WRITE, 0);
        CHECK(p != MAP_FAILED);
        first = first ? first : p;
        CHECK(p == first);
        *p = 1;
        CHECK(munmap(p, PAGE) == 0);
    }
    return 0;
}

static int protection_changes(void)
{
    char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK(p != MAP_FAILED);
    p[PAGE] = 7;
    CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
    CHECK(p[PAGE] == 7 && store_kills(p + PAGE) && !store_kills(p) && !store_kills(p + 2 * PAGE));
    CHECK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    p[PAGE] = 8;
    CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
    CHECK_ERRNO(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
    CHECK_ERRNO(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL);
    munmap(p, 4 * PAGE);
    return 0;
}

static int fixed_mappings_replace(void)
{
    char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 5, 4 * PAGE);
    CHECK(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE);
    CHECK(p[0] == 5 && p[PAGE] == 0 && p[2 * PAGE] == 5);
#ifdef MAP_FIXED_NOREPLACE
    CHECK_ERRNO((long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
#endif
    CHECK_ERRNO((long)mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
    munmap(p, 4 * PAGE);
    return 0;
}

static int mremap_grows_and_moves(void)
{
    char *p = anon(2 * PAGE, PROT_READ | PROT_WRITE, 0), *q;
    CHECK(p != MAP_FAILED);
    strcpy(p, "first");
    strcpy(p + PAGE, "second");
    q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    CHECK(!strcmp(q, "first") && !strcmp(q + PAGE, "second") && q[2 * PAGE] == 0);
    q[63 * PAGE] = 1;
    CHECK(mremap(q, 64 * PAGE, PAGE, 0) == q);
    CHECK(store_kills(q + PAGE) && !strcmp(q, "first"));
    p = anon(PAGE, PROT_READ, 0);
    CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
    CHECK(!strcmp(p, "first"));
    CHECK_ERRNO((long)mremap(p, PAGE, 0, 0), EINVAL);
    munmap(p, PAGE);
    return 0;
}

static int dontneed_zeroes(void)
{
    char *p = anon(8 * PAGE, PROT_READ | PROT_WRITE, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 9, 8 * PAGE);
    CHECK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK(p[0] == 9 && p[PAGE] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 9);
    p[PAGE] = 3;
    CHECK(madvise(p, 8 * PAGE, MADV_WILLNEED) == 0);
    CHECK_ERRNO(madvise(p, 8 * PAGE, 9999), EINVAL);
    munmap(p, 8 * PAGE);
    return 0;
}

static int file_mappings_show_the_file(void)
{
    char name[] = "/tmp/compat-map-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, "hello", 5, PAGE) == 5);
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED);
    CHECK(!memcmp(shared + PAGE, "hello", 5) && !memcmp(private, "hello", 5));
    private[0] = 'J';
    CHECK(shared[PAGE] == 'h');
    shared[PAGE + 1] = 'E';
    char buffer[5];
    CHECK(pread(fd, buffer, 5, PAGE) == 5 && !memcmp(buffer, "hEllo", 5));
    CHECK(msync(shared, 3 * PAGE, MS_SYNC) == 0);
    close(fd);
    shared[0] = 'x';
    CHECK(munmap(shared, 3 * PAGE) == 0 && munmap(private, PAGE) == 0 && unlink(name) == 0);
    return 0;
}

static sig_atomic_t volatile bus;
static void on_bus(int n, siginfo_t *si, void *c) { (void)n; (void)c; bus = si->si_code; _exit(si->si_code == BUS_ADRERR ? 8 : 9); }

static int beyond_the_end_is_SIGBUS(void)
{
    char name[] = "/tmp/compat-bus-XXXXXX";
    int fd = mkstemp(name), status;
    CHECK(fd >= 0 && ftruncate(fd, 10) == 0);
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    p[100] = 1;
    pid_t pid = fork();
    if (!pid) {
        struct sigaction a;
        memset(&a, 0, sizeof a);
        a.sa_sigaction = on_bus;
        a.sa_flags = SA_SIGINFO;
        sigaction(SIGBUS, &a, NULL);
        ((volatile char *)p)[PAGE] = 1;
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 8);
    munmap(p, 2 * PAGE);
    close(fd);
    unlink(name);
    return 0;
}

static int shared_anonymous_memory_is_shared_with_children(void)
{
    volatile int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    pid_t pid = fork();
    if (!pid) {
        *p = 1234;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    CHECK(*p == 1234);
    munmap((void *)p, PAGE);
    return 0;
}

static char *raw_brk(char *to) { return (char *)syscall(SYS_brk, to); }

static int the_heap_grows_and_shrinks(void)
{
    char *start = raw_brk(0);
    CHECK(raw_brk(start + 3 * PAGE + 100) == start + 3 * PAGE + 100);
    memset(start, 1, 3 * PAGE + 100);
    CHECK(raw_brk(0) == start + 3 * PAGE + 100);
    CHECK(raw_brk(start) == start && raw_brk(0) == start);
    CHECK(raw_brk(start + 3 * PAGE) == start + 3 * PAGE && start[2 * PAGE] == 0);
    CHECK(raw_brk(start) == start);
    CHECK(raw_brk((char *)-PAGE) == start);     /* an error tells the old one */
    return 0;
}

static int copy_on_write_keeps_both_sides(void)
{
    int pages = 64, status;
    char *p = anon((size_t)pages * PAGE, PROT_READ | PROT_WRITE, 0);
    for (int i = 0; i < pages; i++)
        p[i * PAGE] = (char)i;
    pid_t pid = fork();
    if (!pid) {
        for (int i = 0; i < pages; i++) {
            if (p[i * PAGE] != (char)i)
                _exit(1);
            p[i * PAGE] = (char)(i + 1);
        }
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    for (int i = 0; i < pages; i++)
        CHECK(p[i * PAGE] == (char)i);
    munmap(p, (size_t)pages * PAGE);
    return 0;
}

static int address_space_limit_holds(void)
{
    struct rlimit old, small;
    CHECK(getrlimit(RLIMIT_AS, &old) == 0);
    small = old;
    small.rlim_cur = 64ul << 20;
    CHECK(setrlimit(RLIMIT_AS, &small) == 0);
    char *p = anon(1ul << 30, PROT_READ, 0);
    int e = errno;
    setrlimit(RLIMIT_AS, &old);
    CHECK(p == MAP_FAILED && e == ENOMEM);
    return 0;
}

static int mincore_tells_residence(void)
{
    unsigned char v[4];
    char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, 0);
    p[PAGE] = 1;
    CHECK(mincore(p, 4 * PAGE, v) == 0);
    CHECK((v[1] & 1) && !(v[3] & 1));
    munmap(p, 4 * PAGE);
    CHECK_ERRNO(mincore(p, 4 * PAGE, v), ENOMEM);
    return 0;
}

static const struct compat_test tests[] = {
    { "anonymous_memory_is_zero_and_writable", anonymous_memory_is_zero_and_writable },
    { "map_and_unmap_do_not_wear_out", map_and_unmap_do_not_wear_out },
    { "protection_changes", protection_changes },
    { "fixed_mappings_replace", fixed_mappings_replace },
    { "mremap_grows_and_moves", mremap_grows_and_moves },
    { "dontneed_zeroes", dontneed_zeroes },
    { "file_mappings_show_the_file", file_mappings_show_the_file },
    { "beyond_the_end_is_SIGBUS", beyond_the_end_is_SIGBUS },
    { "shared_anonymous_memory_is_shared_with_children", shared_anonymous_memory_is_shared_with_children },
    { "the_heap_grows_and_shrinks", the_heap_grows_and_shrinks },
    { "copy_on_write_keeps_both_sides", copy_on_write_keeps_both_sides },
    { "address_space_limit_holds", address_space_limit_holds },
    { "mincore_tells_residence", mincore_tells_residence },
};

int main(int argc, char **argv)
{
    return compat_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
