/* SPDX-License-Identifier: MIT */
/*
 * Programs that are none: executes mutations of a static and of a dynamic ELF file, scripts and
 * interpreters that do not exist or lead to themselves, and too long arguments. Each must end in an error
 * of execve or with the child's death; the parent goes on. Prints `elfmut: N tried` at the end.
 *
 *   elfmut STATIC [DYNAMIC]
 */
#include <elf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "robust.h"

#define TARGET "/tmp/mutant"
static unsigned char *original;
static size_t size;
static unsigned tried, refused, died, ran;

static void write_file(const char *name, const void *data, size_t bytes)
{
    unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    MUST(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes && close(fd) == 0);
}

/* Returns errno of a refused execve, 0 when the program was entered. */
static int try(const char *name, char *const argv[])
{
    int fd[2], error = 0;
    MUST(pipe2(fd, O_CLOEXEC) == 0);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        struct rlimit small = { 256 << 20, 256 << 20 };
        setrlimit(RLIMIT_AS, &small);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execv(name, argv);
        error = errno;
        (void)!write(fd[1], &error, sizeof error);
        _exit(99);
    }
    close(fd[1]);
    ssize_t got = read(fd[0], &error, sizeof error);
    close(fd[0]);
    int status = reap_within(pid, 3000);
    tried++;
    if (got > 0)
        refused++;
    else if (WIFSIGNALED(status))
        died++;
    else
        ran++;
    return got > 0 ? error : 0;
}

static char *const plain[] = { "mutant", "x", NULL };

static void patch(size_t offset, size_t width, uint64_t value)
{
    unsigned char saved[8];
    if (offset + width > size)
        return;
    memcpy(saved, original + offset, width);
    memcpy(original + offset, &value, width);
    int fd = open(TARGET, O_WRONLY);        /* one field of an otherwise whole file */
    MUST(fd >= 0 && pwrite(fd, original + offset, width, (off_t)offset) == (ssize_t)width && close(fd) == 0);
    try(TARGET, plain);
    memcpy(original + offset, saved, width);
    fd = open(TARGET, O_WRONLY);
    MUST(fd >= 0 && pwrite(fd, saved, width, (off_t)offset) == (ssize_t)width && close(fd) == 0);
}

static void extremes(size_t offset, size_t width)
{
    static const uint64_t value[] = {
        0, 1, 3, 0x7f, 0xfff, 0x1000, 0x7fffffff, 0xffffffff, 0x3fbffff000, 0x3fc0000000, 0x3fe0000000,
        0x4000000000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff,
    };
    for (unsigned i = 0; i < sizeof value / sizeof value[0]; i++)
        if (width == 8 || value[i] >> width * 8 == 0 || value[i] == ~0ul)
            patch(offset, width, value[i]);
}

static void mutate(const char *name)
{
    static const uint8_t width[] = { 4, 4, 8, 8, 8, 8, 8, 8 };
    struct stat st;
    int fd = open(name, O_RDONLY);
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    size = (size_t)st.st_size;
    original = malloc(size);
    MUST(original && read(fd, original, size) == (ssize_t)size);
    close(fd);
    write_file(TARGET, original, size);
    MUST(try(TARGET, plain) == 0);
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)original;
    static const struct { uint8_t at, width; } header[] = {
        { 0, 4 }, { 4, 1 }, { 5, 1 }, { 6, 1 }, { 16, 2 }, { 18, 2 }, { 20, 4 }, { 24, 8 }, { 32, 8 }, { 48, 4 },
        { 52, 2 }, { 54, 2 }, { 56, 2 },
    };
    for (unsigned i = 0; i < sizeof header / sizeof header[0]; i++)
        extremes(header[i].at, header[i].width);
    unsigned nr = e->e_phnum;
    size_t phoff = e->e_phoff;
    for (unsigned p = 0; p < nr; p++) {
        size_t at = phoff + p * sizeof(Elf64_Phdr);
        for (unsigned f = 0; f < 8; at += width[f++])
            extremes(at, width[f]);
    }
    for (unsigned i = 0; i < 60; i++)       /* and random bytes of the first page */
        patch(rnd() % 4096, 1 + rnd() % 8, rnd());
    static const size_t cut[] = { 0, 1, 3, 4, 16, 63, 64, 65, 119, 120, 121, 200, 255, 256, 300, 1023, 4095, 4096, 4097 };
    for (unsigned i = 0; i < sizeof cut / sizeof cut[0] + 12; i++) {
        size_t bytes = i < sizeof cut / sizeof cut[0] ? cut[i] : size * (i - sizeof cut / sizeof cut[0] + 1) / 13;
        write_file(TARGET, original, bytes < size ? bytes : size);
        try(TARGET, plain);
    }
    free(original);
}

static void text(const char *name, const char *content)
{
    write_file(name, content, strlen(content));
}

static void scripts(void)
{
    text("/tmp/loop", "#!/tmp/loop\n");
    MUST(try("/tmp/loop", plain) == ELOOP);
    text("/tmp/loop-a", "#!/tmp/loop-b\n");
    text("/tmp/loop-b", "#! /tmp/loop-a with words\n");
    MUST(try("/tmp/loop-a", plain) == ELOOP);
    text("/tmp/none", "#!/no/such/interpreter\n");
    MUST(try("/tmp/none", plain) == ENOENT);
    text("/tmp/empty", "#!\n");
    MUST(try("/tmp/empty", plain) == ENOEXEC);
    text("/tmp/blank", "#!    \n");
    MUST(try("/tmp/blank", plain) == ENOEXEC);
    text("/tmp/directory", "#!/tmp\n");
    MUST(try("/tmp/directory", plain) == EACCES);
    text("/tmp/binary", "#!/tmp/mutant-that-is-empty\n");
    text("/tmp/mutant-that-is-empty", "");
    MUST(try("/tmp/binary", plain) == ENOEXEC);
    char *line = malloc(100000);
    memset(line, 'x', 100000);
    memcpy(line, "#!/", 3);
    write_file("/tmp/long", line, 100000);
    MUST(try("/tmp/long", plain) == ENOEXEC);
    free(line);
}

/* PT_INTERP of a dynamic program: nothing, itself, a script, a directory, no string. */
static void interpreters(const char *name)
{
    static const char *const path[] = { "/no/such", "/tmp/mutant", "/tmp/loop", "/tmp", "", "relative", "/dev/zero" };
    struct stat st;
    int fd = open(name, O_RDONLY);
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    size = (size_t)st.st_size;
    original = malloc(size);
    MUST(original && read(fd, original, size) == (ssize_t)size);
    close(fd);
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)original;
    for (unsigned p = 0; p < e->e_phnum; p++) {
        Elf64_Phdr *ph = (Elf64_Phdr *)(original + e->e_phoff) + p;
        if (ph->p_type != PT_INTERP)
            continue;
        for (unsigned i = 0; i < sizeof path / sizeof path[0]; i++) {
            memset(original + ph->p_offset, 0, ph->p_filesz);
            strncpy((char *)original + ph->p_offset, path[i], ph->p_filesz - 1);
            write_file(TARGET, original, size);
            int error = try(TARGET, plain);
            printf("interpreter '%s': %s\n", path[i], error ? strerror(error) : "entered");
            MUST(i != 0 || error == ENOENT);
        }
        memset(original + ph->p_offset, 'a', ph->p_filesz);     /* no NUL at the end */
        write_file(TARGET, original, size);
        MUST(try(TARGET, plain) != 0);
    }
    free(original);
}

static void long_arguments(const char *name)
{
    static char *argv[70000];
    char *big = malloc(3 << 20);
    memset(big, 'a', (3 << 20) - 1);
    big[(3 << 20) - 1] = 0;
    argv[0] = "x";
    argv[1] = big;
    MUST(try(name, argv) == E2BIG);
    big[131072 - 1] = 0;            /* the longest that fits: 32 pages with its NUL */
    MUST(try(name, argv) == 0);
    big[131072 - 1] = 'a';
    big[131072] = 0;
    MUST(try(name, argv) == E2BIG);
    for (unsigned i = 1; i < 69999; i++)
        argv[i] = "an argument that together with the others is too long for the stack's quarter";
    MUST(try(name, argv) == E2BIG);
    argv[1000] = NULL;
    MUST(try(name, argv) == 0);
    argv[500] = (char *)8;
    MUST(try(name, argv) == EFAULT);
    char **volatile bad = (char **)8;
    MUST(try(name, bad) == EFAULT);
    free(big);
}

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    rng_seed(7);
    mutate(argv[1]);
    scripts();
    long_arguments(argv[1]);
    if (argc > 2) {
        mutate(argv[2]);
        interpreters(argv[2]);
    }
    MUST(refused > 0 && died > 0 && ran > 0);
    printf("elfmut: %u tried, %u refused, %u died, %u ran\n", tried, refused, died, ran);
    return 0;
}
