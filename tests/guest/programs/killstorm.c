/* SPDX-License-Identifier: MIT */
/*
 * Clients of servers that die at each step of a request: children that do one kind of work in a loop, killed
 * with SIGKILL after a random time from 0 to 4 ms, ROUNDS times. All descriptors, processes and memory must
 * come back: the test compares memory before and after, the program checks that nothing of it is left.
 *
 *   killstorm ROUNDS [SEED [KIND]]
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include "robust.h"

extern char **environ;
static char buffer[70000];

static void ioctl_pty(int master, int *unlock, int *number)
{
    ioctl(master, TIOCSPTLCK, unlock);
    ioctl(master, TIOCGPTN, number);
}

static void work_pipe(void)
{
    int fd[2];
    if (pipe(fd) != 0)
        return;
    if (fork() == 0)
        for (;;)
            if (read(fd[0], buffer, sizeof buffer) <= 0)
                _exit(0);
    for (;;)
        (void)!write(fd[1], buffer, 1 + rnd() % sizeof buffer);
}

static void work_epoll(void)
{
    for (;;) {
        int fd[2], ep = epoll_create1(0), ev = eventfd(0, 0), tm = timerfd_create(CLOCK_MONOTONIC, 0);
        struct itimerspec soon = { { 0, 0 }, { 0, 300000 } };
        struct epoll_event e = { .events = EPOLLIN };
        if (pipe(fd) != 0)
            _exit(1);
        epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e);
        epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
        epoll_ctl(ep, EPOLL_CTL_ADD, tm, &e);
        timerfd_settime(tm, 0, &soon, NULL);
        epoll_wait(ep, &e, 1, -1);
        uint64_t one = 1;
        (void)!write(ev, &one, 8);
        epoll_wait(ep, &e, 1, -1);
        close(ep);
        close(ev);
        close(tm);
        close(fd[0]);
        close(fd[1]);
    }
}

static void work_socket(void)
{
    for (;;) {
        int fd[2], extra = open("/dev/null", O_RDWR);
        union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
        struct iovec iov = { buffer, 1 + rnd() % 3000 };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
        if (socketpair(AF_UNIX, rnd() % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, fd) != 0)
            _exit(1);
        control.h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
        memcpy(CMSG_DATA(&control.h), &extra, sizeof extra);
        sendmsg(fd[0], &m, 0);
        close(extra);
        if (rnd() % 2)
            recvmsg(fd[1], &m, 0);
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        snprintf(name.sun_path, sizeof name.sun_path, "/tmp/ks/s%d", getpid());
        int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
        bind(s, (struct sockaddr *)&name, sizeof name);
        listen(s, 3);
        connect(c, (struct sockaddr *)&name, sizeof name);
        close(accept(s, NULL, NULL));
        close(s);
        close(c);
        unlink(name.sun_path);
        close(fd[0]);
        close(fd[1]);
    }
}

static void work_fork(void)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0) {
            if (rnd() % 2)
                fork();
            _exit(0);
        }
        if (rnd() % 2)
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
    }
}

/* Many page tables, so that the kill finds the copy half made. */
static void work_large_fork(void)
{
    size_t step = 2 << 20, n = 96;
    char *p = mmap(NULL, n * step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        _exit(1);
    for (size_t i = 0; i < n; i++)
        p[i * step] = 1;
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(p[(n - 1) * step] != 1);
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
}

static void work_exec(void)
{
    for (;;) {
        char *argv[] = { "true", "an argument", NULL };
        pid_t pid;
        if (rnd() % 2) {
            if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0 && rnd() % 2)
                waitpid(pid, NULL, 0);
        } else if ((pid = fork()) == 0) {
            execv("/bin/true", argv);
            _exit(1);
        }
    }
}

static void work_vfork(void)
{
    for (;;) {
        pid_t pid = vfork();
        if (pid == 0) {
            if (rnd() % 3 == 0)
                execl("/bin/true", "true", NULL);
            _exit(0);
        }
        if (rnd() % 2)
            waitpid(pid, NULL, 0);
    }
}

static void *thread(void *number)
{
    static int word;
    struct timespec short_time = { 0, 200000 };
    for (int i = 0; i < 20; i++) {
        syscall(SYS_futex, &word, 0, 0, &short_time, 0, 0);
        syscall(SYS_futex, &word, 1, 2, 0, 0, 0);
    }
    return number;
}

static void work_threads(void)
{
    for (;;) {
        pthread_t t[6];
        int n = 0;
        for (; n < 6; n++)
            if (pthread_create(&t[n], NULL, thread, NULL) != 0)
                break;
        while (n > 0)
            pthread_join(t[--n], NULL);
    }
}

static void work_mmap(void)
{
    for (;;) {
        int fd = open("/bin/busybox", O_RDONLY), out;
        char name[64];
        snprintf(name, sizeof name, "/tmp/ks/m%d", getpid());
        out = open(name, O_RDWR | O_CREAT, 0600);
        unlink(name);
        volatile char *p = mmap(NULL, 200000, PROT_READ, MAP_PRIVATE, fd, 0);
        for (int i = 0; i < 200000; i += 4096)
            (void)p[i];
        (void)!ftruncate(out, 100000);
        char *q = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
        for (int i = 0; i < 100000; i += 4096)
            q[i] = 1;
        sendfile(out, fd, NULL, 50000);
        munmap((void *)p, 200000);
        munmap(q, 100000);
        close(fd);
        close(out);
    }
}

static void work_files(void)
{
    for (;;) {
        char name[64], other[80];
        snprintf(name, sizeof name, "/tmp/ks/d%d", getpid());
        mkdir(name, 0700);
        snprintf(other, sizeof other, "%s/file", name);
        int fd = open(other, O_RDWR | O_CREAT, 0600);
        struct flock lock = { .l_type = F_WRLCK };
        (void)!write(fd, buffer, rnd() % sizeof buffer);
        fcntl(fd, F_SETLK, &lock);
        flock(fd, LOCK_EX);
        rename(other, "/tmp/ks/renamed");
        unlink("/tmp/ks/renamed");
        close(fd);
        rmdir(name);
    }
}

static void work_locks(void)
{
    int fd = open("/tmp/ks/lock", O_RDWR | O_CREAT, 0600);
    for (;;) {
        struct flock lock = { .l_type = F_WRLCK, .l_start = (long)(rnd() % 4), .l_len = 2 };
        fcntl(fd, F_SETLKW, &lock);
        lock.l_type = F_UNLCK;
        fcntl(fd, F_SETLK, &lock);
        flock(fd, LOCK_EX);
        flock(fd, LOCK_UN);
    }
}

static void work_tty(void)
{
    for (;;) {
        int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), unlock = 0, n = -1;
        char name[32];
        ioctl_pty(m, &unlock, &n);
        snprintf(name, sizeof name, "/dev/pts/%d", n);
        int s = open(name, O_RDWR | O_NOCTTY);
        (void)!write(m, "hello\n", 6);
        (void)!read(s, buffer, 6);
        (void)!write(s, buffer, 600);
        close(s);
        close(m);
    }
}

static void work_signals(void)
{
    signal(SIGUSR1, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            kill(getppid(), SIGUSR1);
    for (;;) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        struct timespec t = { 0, 100000 };
        sigtimedwait(&set, NULL, &t);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        nap_us(rnd() % 300);
    }
}

static const struct { const char *name; void (*work)(void); } kinds[] = {
    { "pipe", work_pipe }, { "epoll", work_epoll }, { "socket", work_socket }, { "fork", work_fork },
    { "exec", work_exec }, { "vfork", work_vfork }, { "threads", work_threads }, { "mmap", work_mmap },
    { "files", work_files }, { "locks", work_locks }, { "tty", work_tty }, { "signals", work_signals },
    { "large fork", work_large_fork },
};
#define NR_KINDS (sizeof kinds / sizeof kinds[0])

int main(int argc, char **argv)
{
    MUST(argc >= 2);
    int rounds = atoi(argv[1]);
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    mkdir("/tmp/ks", 0700);
    rng_seed(seed);
    for (int i = 0; i < rounds; i += 3) {
        pid_t pid[3];       /* some at a time, so that they meet */
        for (int j = 0; j < 3; j++) {
            unsigned kind = argc > 3 ? (unsigned)atoi(argv[3]) : (unsigned)(rnd() % NR_KINDS);
            uint64_t own = rnd();
            pid[j] = fork();
            MUST(pid[j] >= 0);
            if (pid[j] == 0) {
                setpgid(0, 0);
                rng_seed(own);
                kinds[kind % NR_KINDS].work();
            }
            setpgid(pid[j], pid[j]);
        }
        nap_us((long)(rnd() % 4000));
        for (int j = 0; j < 3; j++) {
            int status;
            MUST(kill(-pid[j], SIGKILL) == 0);
            MUST(waitpid(pid[j], &status, 0) == pid[j]);
            MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        }
    }
    /* What they left lying in the file system is theirs to leave. */
    MUST(system("rm -r /tmp/ks") == 0);
    printf("killstorm: %d rounds\n", rounds);
    return 0;
}
