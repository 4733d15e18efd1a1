/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork, clone, exec, exit, wait.
 */
#include "compat.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int wait_status(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int fork_child_has_its_own_memory(void)
{
    static volatile int x = 1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        x = 2;
        _exit(x == 2 && getppid() > 0 ? 7 : 1);
    }
    int status = wait_status(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK(x == 1);
    return 0;
}

static int many_children_are_all_reaped(void)
{
    enum { N = 20 };
    pid_t pids[N];
    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (!pids[i])
            _exit(i);
    }
    for (int i = 0; i < N; i++) {
        int status = wait_status(pids[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
    }
    CHECK_ERRNO(wait(NULL), ECHILD);
    return 0;
}

static int repeated_fork_does_not_run_out(void)
{
    for (int i = 0; i < 300; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (!pid)
            _exit(i & 127);
        int status = wait_status(pid);
        CHECK(WEXITSTATUS(status) == (i & 127));
    }
    return 0;
}

static int grandchildren_work(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        pid_t p2 = fork();
        if (!p2)
            _exit(3);
        _exit(p2 > 0 && WEXITSTATUS(wait_status(p2)) == 3 ? 4 : 5);
    }
    CHECK(WEXITSTATUS(wait_status(pid)) == 4);
    return 0;
}

static int wait_tells_a_killing_signal(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid)
        for (;;)
            pause();
    CHECK(kill(pid, SIGKILL) == 0);
    int status = wait_status(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return 0;
}

static int wait_nohang_and_stops(void)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid)
        for (;;)
            pause();
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    CHECK(kill(pid, SIGSTOP) == 0);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    CHECK(kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    return 0;
}

static int waitid_leaves_a_child_with_WNOWAIT(void)
{
    siginfo_t si;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid)
        _exit(9);
    memset(&si, 0, sizeof si);
    CHECK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT) == 0);
    CHECK(si.si_pid == pid && si.si_code == CLD_EXITED && si.si_status == 9 && si.si_signo == SIGCHLD);
    CHECK(waitid(P_ALL, 0, &si, WEXITED) == 0 && si.si_pid == pid);
    CHECK_ERRNO(waitid(P_PID, pid, &si, WEXITED), ECHILD);
    return 0;
}

static volatile int shared_word;
static int child_of_vfork(void *arg) { shared_word = *(int *)arg; _exit(6); }

/* clone with a stack, since not every C library's vfork is one. */
static int vfork_shares_memory_and_suspends(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    int value = 5;
    shared_word = 0;
    pid_t pid = clone(child_of_vfork, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
    CHECK(pid > 0);
    CHECK(shared_word == 5);
    CHECK(WEXITSTATUS(wait_status(pid)) == 6);
    return 0;
}

static int vfork_children_exit_again_and_again(void)
{
    for (int i = 0; i < 100; i++) {
        pid_t pid = vfork();
        if (!pid)
            _exit(6);
        CHECK(pid > 0);
        CHECK(WEXITSTATUS(wait_status(pid)) == 6);
    }
    return 0;
}

static char self[512];

static int exec_passes_arguments_and_environment(void)
{
    char *args[] = { self, "--child", "a b", "", NULL };
    char *env[] = { "ATOLL=1", NULL };
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        execve(self, args, env);
        _exit(99);
    }
    CHECK(WEXITSTATUS(wait_status(pid)) == 42);
    return 0;
}

static int posix_spawn_works(void)
{
    char *args[] = { self, "--child", "a b", "", NULL };
    char *env[] = { "ATOLL=1", NULL };
    pid_t pid;
    CHECK(posix_spawn(&pid, self, NULL, NULL, args, env) == 0);
    CHECK(WEXITSTATUS(wait_status(pid)) == 42);
    CHECK(posix_spawn(&pid, "/nonexistent", NULL, NULL, args, env) == ENOENT);
    return 0;
}

static int exec_errors_leave_the_caller_alive(void)
{
    char *args[] = { "x", NULL };
    char name[64];
    snprintf(name, sizeof name, "/tmp/compat-exec-%d", getpid());
    CHECK_ERRNO(execve("/nonexistent", args, NULL), ENOENT);
    CHECK_ERRNO(execve("/", args, NULL), EACCES);
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    CHECK(fd >= 0 && write(fd, "junk", 4) == 4 && close(fd) == 0);
    CHECK_ERRNO(execve(name, args, NULL), ENOEXEC);
    fd = open(name, O_WRONLY | O_TRUNC);
    CHECK(fd >= 0 && write(fd, "#!/nonexistent/interpreter\n", 27) == 27 && close(fd) == 0);
    CHECK_ERRNO(execve(name, args, NULL), ENOENT);
    CHECK(unlink(name) == 0);
    return 0;
}

static int scripts_get_their_interpreter(void)
{
    char name[64], line[600];
    snprintf(name, sizeof name, "/tmp/compat-script-%d", getpid());
    snprintf(line, sizeof line, "#! %s --script\n", self);
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    CHECK(fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line) && close(fd) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        execl(name, "ignored", "one", (char *)NULL);
        _exit(98);
    }
    int status = wait_status(pid);
    unlink(name);
    CHECK(WEXITSTATUS(status) == 43);
    return 0;
}

static int close_on_exec_closes(void)
{
    char number[16];
    int keep = open("/dev/null", O_RDONLY), drop = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(keep >= 0 && drop >= 0);
    snprintf(number, sizeof number, "%d,%d", keep, drop);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        execl(self, self, "--fds", number, (char *)NULL);
        _exit(98);
    }
    close(keep);
    close(drop);
    CHECK(WEXITSTATUS(wait_status(pid)) == 44);
    return 0;
}

static int exec_keeps_ignored_signals_and_the_mask(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGUSR1, SIG_IGN);
        signal(SIGTERM, _exit);
        raise(SIGUSR2);
        execl(self, self, "--signals", (char *)NULL);
        _exit(98);
    }
    CHECK(WEXITSTATUS(wait_status(pid)) == 45);
    return 0;
}

static int clone_validates_flags(void)
{
    CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_clone3, NULL, 10), EINVAL);
    CHECK_ERRNO(syscall(SYS_clone3, (void *)8, 64), EFAULT);
    return 0;
}

static int child_set_tid_writes_in_the_child(void)
{
    static volatile int tid;
    tid = 0;
#if defined(__riscv) || defined(__aarch64__)
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, 0, &tid);
#else
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, &tid, 0);
#endif
    CHECK(pid >= 0);
    if (!pid)
        _exit(tid == getpid() ? 1 : 2);
    CHECK(WEXITSTATUS(wait_status(pid)) == 1);
    CHECK(tid == 0);
    return 0;
}

static int orphans_go_to_another_parent(void)
{
    int p[2];
    pid_t got = 0;
    CHECK(pipe(p) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        pid_t me = getpid();
        if (!fork()) {
            while (getppid() == me)
                usleep(1000);
            got = getppid();
            if (write(p[1], &got, sizeof got) != sizeof got)
                _exit(1);
            _exit(0);
        }
        _exit(0);
    }
    CHECK(wait_status(pid) == 0);
    close(p[1]);
    CHECK(read(p[0], &got, sizeof got) == sizeof got);
    CHECK(got > 0 && got != pid);
    close(p[0]);
    return 0;
}

static int usage_of_children_counts(void)
{
    struct rusage ru;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        for (volatile long i = 0; i < 20000000; i++)
            ;
        _exit(0);
    }
    int status;
    CHECK(wait4(pid, &status, 0, &ru) == pid);
    CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec > 0);
    return 0;
}

static int run_child(int argc, char **argv)
{
    if (!strcmp(argv[1], "--child"))
        return argc == 4 && !strcmp(argv[2], "a b") && !*argv[3] && getenv("ATOLL") && !strcmp(getenv("ATOLL"), "1") ? 42 : 1;
    if (!strcmp(argv[1], "--script"))
        return argc == 4 && strstr(argv[2], "/tmp/compat-script-") && !strcmp(argv[3], "one") ? 43 : 1;
    if (!strcmp(argv[1], "--fds")) {
        int keep = -1, drop = -1;
        sscanf(argv[2], "%d,%d", &keep, &drop);
        return fcntl(keep, F_GETFD) == 0 && fcntl(drop, F_GETFD) == -1 && errno == EBADF ? 44 : 1;
    }
    if (!strcmp(argv[1], "--signals")) {
        struct sigaction a, b;
        sigset_t set, pending;
        sigaction(SIGUSR1, NULL, &a);
        sigaction(SIGTERM, NULL, &b);
        sigprocmask(SIG_BLOCK, NULL, &set);
        sigpending(&pending);
        return a.sa_handler == SIG_IGN && b.sa_handler == SIG_DFL && sigismember(&set, SIGUSR2) &&
               sigismember(&pending, SIGUSR2) ? 45 : 1;
    }
    return -1;
}

static const struct compat_test tests[] = {
    { "fork_child_has_its_own_memory", fork_child_has_its_own_memory },
    { "many_children_are_all_reaped", many_children_are_all_reaped },
    { "repeated_fork_does_not_run_out", repeated_fork_does_not_run_out },
    { "grandchildren_work", grandchildren_work },
    { "wait_tells_a_killing_signal", wait_tells_a_killing_signal },
    { "wait_nohang_and_stops", wait_nohang_and_stops },
    { "waitid_leaves_a_child_with_WNOWAIT", waitid_leaves_a_child_with_WNOWAIT },
    { "vfork_shares_memory_and_suspends", vfork_shares_memory_and_suspends },
    { "vfork_children_exit_again_and_again", vfork_children_exit_again_and_again },
    { "exec_passes_arguments_and_environment", exec_passes_arguments_and_environment },
    { "posix_spawn_works", posix_spawn_works },
    { "exec_errors_leave_the_caller_alive", exec_errors_leave_the_caller_alive },
    { "scripts_get_their_interpreter", scripts_get_their_interpreter },
    { "close_on_exec_closes", close_on_exec_closes },
    { "exec_keeps_ignored_signals_and_the_mask", exec_keeps_ignored_signals_and_the_mask },
    { "clone_validates_flags", clone_validates_flags },
    { "child_set_tid_writes_in_the_child", child_set_tid_writes_in_the_child },
    { "orphans_go_to_another_parent", orphans_go_to_another_parent },
    { "usage_of_children_counts", usage_of_children_counts },
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strncmp(argv[1], "--", 2))
        return run_child(argc, argv);
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        strncpy(self, argv[0], sizeof self - 1);
    return compat_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
