/* SPDX-License-Identifier: MIT */
/*
 * Much of everything: signals without end, deep trees, long chains of symbolic links, many files in one
 * directory, a fork bomb under a limit beside a shell that works on.
 *
 *   pressure CASE...
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include "robust.h"

static volatile sig_atomic_t taken;
static void on_signal(int s) { (void)s; taken++; }

/* Children send signals to one process that works on: nothing of its work may be lost. */
static void signals(void)
{
    struct sigaction a = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    pid_t child[3], own = getpid();
    int fd[2];
    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGALRM, &a, NULL);
    sigaction(SIGRTMIN, &a, NULL);
    MUST(pipe(fd) == 0);
    for (int i = 0; i < 3; i++)
        if ((child[i] = fork()) == 0)
            for (;;)
                if (kill(own, i ? SIGUSR1 : SIGRTMIN) == 0)
                    nap_us(100);
    struct itimerval often = { { 0, 500 }, { 0, 500 } };
    setitimer(ITIMER_REAL, &often, NULL);
    for (unsigned i = 0; i < 600 || taken <= 100; i++) {      /* as long as a slow host needs */
        unsigned back = 0;
        MUST(write(fd[1], &i, sizeof i) == sizeof i);
        MUST(read(fd[0], &back, sizeof back) == sizeof back && back == i);
    }
    for (int i = 0; i < 3; i++) {
        kill(child[i], SIGKILL);
        MUST(waitpid(child[i], NULL, 0) == child[i]);
    }
    memset(&often, 0, sizeof often);
    setitimer(ITIMER_REAL, &often, NULL);
    MUST(taken > 100);
    close(fd[0]);
    close(fd[1]);
}

static void deep_tree(void)
{
    enum { DEPTH = 1200 };
    char path[DEPTH * 2 + 64];
    MUST(mkdir("/tmp/deep", 0700) == 0 && chdir("/tmp/deep") == 0);
    for (int i = 0; i < DEPTH; i++)
        MUST(mkdir("d", 0700) == 0 && chdir("d") == 0);
    MUST(getcwd(path, sizeof path) && strlen(path) == 9 + DEPTH * 2);
    strcpy(path, "/tmp/deep");
    for (int i = 0; i < DEPTH; i++)
        strcat(path, "/d");
    struct stat st;
    MUST(stat(path, &st) == 0);
    char *too_long = malloc(5000);
    memset(too_long, 'a', 4999);
    for (int i = 0; i < 4999; i += 2)
        too_long[i] = '/';
    too_long[4999] = 0;
    MUST(stat(too_long, &st) == -1 && errno == ENAMETOOLONG);
    free(too_long);
    for (int i = 0; i < DEPTH; i++)
        MUST(chdir("..") == 0 && rmdir("d") == 0);
    MUST(chdir("/") == 0 && rmdir("/tmp/deep") == 0);
}

static void links(void)
{
    char name[64], to[64];
    struct stat st;
    mkdir("/tmp/links", 0700);
    MUST(close(open("/tmp/links/0", O_CREAT | O_WRONLY, 0600)) == 0);
    for (int i = 1; i <= 60; i++) {
        snprintf(name, sizeof name, "/tmp/links/%d", i);
        snprintf(to, sizeof to, "%d", i - 1);
        MUST(symlink(to, name) == 0);
    }
    MUST(stat("/tmp/links/40", &st) == 0);
    MUST(stat("/tmp/links/41", &st) == -1 && errno == ELOOP);
    MUST(stat("/tmp/links/60", &st) == -1 && errno == ELOOP);
    MUST(symlink("self", "/tmp/links/self") == 0);
    MUST(open("/tmp/links/self", O_RDONLY) == -1 && errno == ELOOP);
    MUST(system("rm -r /tmp/links") == 0);
}

static void many_files(void)
{
    const int N = getenv("FILES") ? atoi(getenv("FILES")) : 100000;
    char name[64];
    mkdir("/tmp/many", 0700);
    MUST(chdir("/tmp/many") == 0);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "f%d", i);
        int fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0600);
        MUST(fd >= 0 && close(fd) == 0);
    }
    int seen = 0;
    DIR *d = opendir(".");
    MUST(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        seen += e->d_name[0] == 'f';
    closedir(d);
    MUST(seen == N);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "f%d", (int)(i * 7919l % N));
        MUST(unlink(name) == 0);        /* 7919 has no divisor in common with N */
    }
    MUST(chdir("/") == 0 && rmdir("/tmp/many") == 0);
}

static void bomb(void)
{
    pid_t first = fork();
    MUST(first >= 0);
    if (first == 0) {
        setpgid(0, 0);
        struct rlimit r = { 40, 40 };
        MUST(setrlimit(RLIMIT_NPROC, &r) == 0 && setgid(1002) == 0 && setuid(1002) == 0);
        for (;;)
            fork();
    }
    nap_us(500000);
    double begin = now();
    for (int i = 0; i < 6; i++)        /* another shell: slower, but it works */
        MUST(system("test \"$(echo a b c | wc -w)\" -eq 3") == 0);
    printf("bomb: 6 pipelines beside it took %.1f s\n", now() - begin);
    MUST(kill(-first, SIGKILL) == 0 || errno == ESRCH);
    MUST(waitpid(first, NULL, 0) == first);
}

/* Every page of a deep recursion on a thread's stack and on the alternate signal stack. */
static sigset_t nothing;
static char alternate[32768];

static __attribute__((noinline)) int deep(int n)
{
    volatile char room[3000];
    room[0] = (char)n;
    return n > (1 << 30) ? 0 : deep(n + 1) + room[0];
}

static void overflowed(int s)
{
    (void)s;
    _exit(42);
}

static void *deep_thread(void *p)
{
    (void)p;
    stack_t st = { .ss_sp = alternate, .ss_size = sizeof alternate };
    sigaltstack(&st, NULL);
    return (void *)(long)deep(0);
}

static void stacks(void)
{
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0) {
            pthread_t t;
            struct sigaction a = { .sa_handler = overflowed, .sa_flags = SA_ONSTACK, .sa_mask = nothing };
            if (i & 1)
                sigaction(SIGSEGV, &a, NULL);
            if (i & 2) {
                pthread_create(&t, NULL, deep_thread, NULL);
                pthread_join(t, NULL);
            } else {
                deep_thread(NULL);
            }
            _exit(0);
        }
        int status;
        MUST(waitpid(pid, &status, 0) == pid);
        MUST(i & 1 ? WIFEXITED(status) && WEXITSTATUS(status) == 42
                   : WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
}

static const struct { const char *name; void (*fn)(void); } cases[] = {
    { "signals", signals }, { "deep_tree", deep_tree }, { "links", links }, { "many_files", many_files },
    { "bomb", bomb }, { "stacks", stacks },
};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int a = 1; a < argc || argc == 1; a++)
            if (argc == 1 || strcmp(argv[a], cases[i].name) == 0) {
                double begin = now();
                cases[i].fn();
                printf("done %s in %.1f s, %ld KiB free\n", cases[i].name, now() - begin, meminfo("MemFree"));
                break;
            }
    printf("pressure: all done\n");
    return 0;
}
