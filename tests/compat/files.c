/* SPDX-License-Identifier: MIT */
/* Files and directories: the answers a program may rely on, errors included. */
#include "compat.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char dir[64];

static int enter_scratch(void)
{
    strcpy(dir, "/tmp/filesXXXXXX");
    return mkdtemp(dir) == NULL || chdir(dir) != 0;
}

static int put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

static int open_errors(void)
{
    CHECK(put("f", "x") == 0);
    CHECK(mkdir("d", 0755) == 0);
    CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
    CHECK_ERRNO(open("d", O_WRONLY), EISDIR);
    CHECK_ERRNO(open("f/x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("f", O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    CHECK(symlink("f", "l") == 0);
    CHECK_ERRNO(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(symlink("loop", "loop") == 0);
    CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
    char name[NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[NAME_MAX + 1] = 0;
    CHECK_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
    CHECK_ERRNO(read(999, name, 1), EBADF);
    CHECK_ERRNO(openat(999, "f", O_RDONLY), EBADF);
    int fd = open("f", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_ERRNO(openat(fd, "f", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(write(fd, "x", 1), EBADF);
    CHECK_ERRNO(open((char *)8, O_RDONLY), EFAULT);
    CHECK(close(fd) == 0);
    CHECK_ERRNO(close(fd), EBADF);
    return 0;
}

static int offsets_are_shared(void)
{
    char b[8] = { 0 };
    CHECK(put("shared", "abcdefgh") == 0);
    int a = open("shared", O_RDWR), c = dup(a), e = open("shared", O_RDONLY);
    CHECK(a >= 0 && c >= 0 && e >= 0);
    CHECK(read(a, b, 3) == 3 && memcmp(b, "abc", 3) == 0);
    CHECK(read(c, b, 2) == 2 && memcmp(b, "de", 2) == 0);
    CHECK(read(e, b, 1) == 1 && b[0] == 'a');
    CHECK(lseek(a, -2, SEEK_END) == 6);
    CHECK(read(c, b, 8) == 2 && memcmp(b, "gh", 2) == 0);
    CHECK(read(c, b, 8) == 0);
    CHECK_ERRNO(lseek(a, -1, SEEK_SET), EINVAL);
    CHECK(pread(a, b, 2, 1) == 2 && memcmp(b, "bc", 2) == 0);
    CHECK(pwrite(a, "ZZ", 2, 10) == 2);
    struct stat st;
    CHECK(fstat(a, &st) == 0 && st.st_size == 12);
    CHECK(pread(a, b, 2, 8) == 2 && b[0] == 0 && b[1] == 0);
    CHECK(ftruncate(a, 4) == 0 && fstat(a, &st) == 0 && st.st_size == 4);
    CHECK(pread(a, b, 8, 0) == 4);
    CHECK(ftruncate(a, 8) == 0 && pread(a, b, 8, 0) == 8 && b[5] == 0);
    int ap = open("shared", O_WRONLY | O_APPEND);
    CHECK(write(ap, "!", 1) == 1 && fstat(a, &st) == 0 && st.st_size == 9);
    close(a); close(c); close(e); close(ap);
    return 0;
}

static int links_and_renames(void)
{
    struct stat a, b;
    CHECK(put("one", "1") == 0 && link("one", "two") == 0);
    CHECK(stat("one", &a) == 0 && stat("two", &b) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_nlink == 2);
    CHECK_ERRNO(link("one", "two"), EEXIST);
    CHECK(unlink("one") == 0 && stat("two", &b) == 0 && b.st_nlink == 1);
    CHECK_ERRNO(unlink("one"), ENOENT);
    CHECK(rename("two", "three") == 0);
    CHECK_ERRNO(stat("two", &a), ENOENT);
    CHECK(mkdir("rd", 0755) == 0 && mkdir("rd/sub", 0755) == 0);
    CHECK_ERRNO(rename("rd", "rd/sub/x"), EINVAL);
    CHECK_ERRNO(rename("three", "rd"), EISDIR);
    CHECK_ERRNO(rename("rd", "three"), ENOTDIR);
    CHECK_ERRNO(rmdir("rd"), ENOTEMPTY);
    CHECK_ERRNO(unlink("rd"), EISDIR);
    CHECK_ERRNO(rmdir("three"), ENOTDIR);
    CHECK(mkdir("re", 0755) == 0 && rename("rd", "re") == 0);
    CHECK(stat("re/sub", &a) == 0 && S_ISDIR(a.st_mode));
    CHECK(stat("re", &a) == 0 && a.st_nlink == 3);
    CHECK(rmdir("re/sub") == 0 && rmdir("re") == 0);
    CHECK(put("x1", "x1") == 0 && put("x2", "x2") == 0);
    CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "x1", AT_FDCWD, "x2", 1), EEXIST);
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "x1", AT_FDCWD, "x2", 2) == 0);
    char t[4] = { 0 };
    int fd = open("x1", O_RDONLY);
    CHECK(read(fd, t, 2) == 2 && strcmp(t, "x2") == 0);
    close(fd);
    return 0;
}

static int unlinked_file_lives_while_open(void)
{
    CHECK(put("gone", "still here") == 0);
    int fd = open("gone", O_RDWR);
    CHECK(fd >= 0 && unlink("gone") == 0);
    char b[16] = { 0 };
    CHECK(read(fd, b, 16) == 10 && strcmp(b, "still here") == 0);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
    char *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(m != MAP_FAILED);
    close(fd);
    CHECK(memcmp(m, "still here", 10) == 0 && m[11] == 0);
    CHECK(munmap(m, 4096) == 0);
    return 0;
}

static int symlinks(void)
{
    char b[64] = { 0 };
    CHECK(put("target", "t") == 0 && symlink("target", "sl") == 0);
    CHECK(readlink("sl", b, sizeof b) == 6 && memcmp(b, "target", 6) == 0);
    CHECK(readlink("sl", b, 3) == 3);
    CHECK_ERRNO(readlink("target", b, 8), EINVAL);
    struct stat st;
    CHECK(lstat("sl", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 6);
    CHECK(stat("sl", &st) == 0 && S_ISREG(st.st_mode));
    CHECK(unlink("target") == 0);
    CHECK_ERRNO(stat("sl", &st), ENOENT);
    CHECK(put("sl", "made through") == 0 && stat("target", &st) == 0);
    CHECK(mkdir("sd", 0755) == 0 && symlink("sd", "sdl") == 0);
    CHECK(put("sdl/in", "x") == 0 && stat("sd/in", &st) == 0);
    CHECK(stat("sdl/../sd/in", &st) == 0);
    CHECK_ERRNO(rmdir("sdl"), ENOTDIR);
    return 0;
}

static int directories_list_all(void)
{
    CHECK(mkdir("many", 0755) == 0 && chdir("many") == 0);
    char name[32];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "entry-%d", i);
        CHECK(put(name, "") == 0);
    }
    DIR *d = opendir(".");
    CHECK(d);
    int seen = 0, dots = 0, removed = 0;
    struct dirent *e;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.') {
            dots++;
            continue;
        }
        CHECK(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
        seen++;
        CHECK(unlink(e->d_name) == 0);      /* while reading */
        removed++;
    }
    CHECK(seen == 500 && dots == 2 && removed == 500);
    closedir(d);
    char cwd[PATH_MAX], want[PATH_MAX];
    snprintf(want, sizeof want, "%s/many", dir);
    CHECK(getcwd(cwd, sizeof cwd) && strcmp(cwd, want) == 0);
    CHECK_ERRNO(syscall(SYS_getcwd, cwd, 3), ERANGE);
    CHECK(chdir("..") == 0 && rmdir("many") == 0);
    return 0;
}

static int permissions_of_others(void)
{
    if (geteuid() != 0)
        return 0;
    CHECK(put("secret", "s") == 0 && chmod("secret", 0600) == 0);
    CHECK(mkdir("locked", 0700) == 0 && put("locked/f", "x") == 0);
    CHECK(chmod(dir, 0777) == 0);
    fflush(stdout);
    CHECK(seteuid(1000) == 0);
    CHECK_ERRNO(open("secret", O_RDONLY), EACCES);
    CHECK_ERRNO(open("locked/f", O_RDONLY), EACCES);
    CHECK_ERRNO(chmod("secret", 0666), EPERM);
    CHECK_ERRNO(chown("secret", 1000, 1000), EPERM);
    CHECK(put("mine", "m") == 0);
    struct stat st;
    CHECK(stat("mine", &st) == 0 && st.st_uid == 1000);
    CHECK(seteuid(0) == 0);
    CHECK(chown("mine", 0, 0) == 0 && chmod("mine", 04755) == 0);
    CHECK(stat("mine", &st) == 0 && (st.st_mode & 07777) == 04755);
    return 0;
}

static int times_can_be_set(void)
{
    CHECK(put("timed", "x") == 0);
    struct timespec ts[2] = { { 1000000000, 5 }, { 1100000000, 7 } };
    CHECK(utimensat(AT_FDCWD, "timed", ts, 0) == 0);
    struct stat st;
    CHECK(stat("timed", &st) == 0);
    CHECK(st.st_atime == 1000000000 && st.st_mtime == 1100000000);
    CHECK(st.st_mtim.tv_nsec == 7);
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(AT_FDCWD, "timed", ts, 0) == 0);
    CHECK(stat("timed", &st) == 0 && st.st_atime == 1000000000 && st.st_mtime > 1100000000);
    return 0;
}

static int vectors_and_sendfile(void)
{
    int fd = open("vec", O_CREAT | O_RDWR | O_TRUNC, 0644);
    struct iovec w[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
    CHECK(writev(fd, w, 3) == 5);
    char a[2], b[10];
    struct iovec r[2] = { { a, 2 }, { b, 10 } };
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, r, 2) == 5);
    CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0);
    volatile int negative = -1;     /* the compiler warns of the constant */
    CHECK_ERRNO(readv(fd, r, negative), EINVAL);
    int out = open("vec2", O_CREAT | O_RDWR | O_TRUNC, 0644);
    off_t at = 1;
    CHECK(sendfile(out, fd, &at, 3) == 3 && at == 4);
    CHECK(pread(out, b, 10, 0) == 3 && memcmp(b, "bcd", 3) == 0);
    close(fd);
    close(out);
    return 0;
}

static int big_transfers_keep_every_byte(void)
{
    enum { N = 3 << 20 };
    unsigned char *a = malloc(N), *b = malloc(N);
    CHECK(a && b);
    unsigned x = 1;
    for (int i = 0; i < N; i++)
        a[i] = (unsigned char)((x = x * 69069 + 1) >> 24);
    int fd = open("big", O_CREAT | O_RDWR | O_TRUNC, 0644);
    CHECK(write(fd, a + 1, N - 1) == N - 1);
    CHECK(pread(fd, b, N, 0) == N - 1 && memcmp(a + 1, b, N - 1) == 0);
    CHECK(pread(fd, b, 100001, 12345) == 100001 && memcmp(a + 12346, b, 100001) == 0);
    char *m = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(m != MAP_FAILED && memcmp(m, a + 1, N - 1) == 0);
    m[70000] ^= 1;
    CHECK(pread(fd, b, 1, 70000) == 1 && b[0] == (a[70001] ^ 1));
    CHECK(munmap(m, N) == 0);
    close(fd);
    free(a);
    free(b);
    return 0;
}

static int descriptors(void)
{
    int fd = open("desc", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    int hi = fcntl(fd, F_DUPFD, 100);
    CHECK(hi >= 100 && fcntl(hi, F_GETFD) == 0);
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
    CHECK(fcntl(hi, F_GETFL) & O_APPEND);
    CHECK(dup2(fd, 77) == 77 && dup2(fd, fd) == fd);
    CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
    CHECK_ERRNO(dup2(999, 5), EBADF);
    CHECK_ERRNO(fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
    close(fd); close(hi); close(77);
    return 0;
}

static int record_locks(void)
{
    int fd = open("lock", O_CREAT | O_RDWR, 0644);
    struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
    CHECK(fcntl(fd, F_SETLK, &fl) == 0);
    fl.l_type = F_RDLCK;
    CHECK(fcntl(fd, F_GETLK, &fl) == 0 && fl.l_type == F_UNLCK);
    int a = open("lock", O_RDWR), b = open("lock", O_RDWR);
    struct flock o = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 5 };
    CHECK(fcntl(a, F_OFD_SETLK, &o) == 0);
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &o), EAGAIN);
    close(a);
    CHECK(fcntl(b, F_OFD_SETLK, &o) == 0);
    close(b);
    close(fd);
    return 0;
}

COMPAT_MAIN({ "scratch_directory", enter_scratch }, T(open_errors), T(offsets_are_shared),
            T(links_and_renames), T(unlinked_file_lives_while_open), T(symlinks),
            T(directories_list_all), T(permissions_of_others), T(times_can_be_set),
            T(vectors_and_sendfile), T(big_transfers_keep_every_byte), T(descriptors),
            T(record_locks))
