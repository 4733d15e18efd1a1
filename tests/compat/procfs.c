/* SPDX-License-Identifier: MIT */
/* What programs read and write in /proc. */
#include "compat.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY), e;
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

    e = errno;
    if (fd >= 0)
        close(fd);
    errno = e;
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

static int name_is(const char *wanted)
{
    char text[64] = "", name[16];
    int fd = open("/proc/self/comm", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    close(fd);
    return n > 0 && text[n - 1] == '\n' && strncmp(text, wanted, (size_t)n - 1) == 0 && strlen(wanted) == (size_t)n - 1 &&
           prctl(PR_GET_NAME, name) == 0 && strcmp(name, wanted) == 0;
}

static int a_process_names_itself(void)
{
    char path[64];
    int status;

    CHECK(write_to("/proc/self/comm", "short") == 0 && name_is("short"));
    CHECK(write_to("/proc/self/comm", "with a line end\n") == 0 && name_is("with a line end"));
    CHECK(write_to("/proc/self/comm", "longer-than-fifteen-characters") == 0 && name_is("longer-than-fif"));
    CHECK(prctl(PR_SET_NAME, "by-prctl") == 0 && name_is("by-prctl"));
    sprintf(path, "/proc/%d/task/%d/comm", getpid(), getpid());
    CHECK(write_to(path, "as-task") == 0 && name_is("as-task"));
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    sprintf(path, "/proc/%d/comm", pid);
    CHECK_ERRNO(write_to(path, "theirs"), EINVAL);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    return 0;
}

static char task_comm[64];

static int task_name_is(const char *wanted)
{
    char text[64] = "", name[16];
    int fd = open(task_comm, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    close(fd);
    return n > 0 && strncmp(text, wanted, strlen(wanted)) == 0 && text[n - 1] == '\n' && (size_t)n == strlen(wanted) + 1 &&
           prctl(PR_GET_NAME, name) == 0 && strcmp(name, wanted) == 0;
}

static void *named_thread(void *arg)
{
    (void)arg;
    sprintf(task_comm, "/proc/self/task/%ld/comm", syscall(SYS_gettid));
    if (!task_name_is("the-first"))                 /* as who made it */
        return "not inherited";
    if (prctl(PR_SET_NAME, "second") != 0 || !task_name_is("second"))
        return "prctl";
    if (write_to(task_comm, "third") != 0 || !task_name_is("third"))
        return "comm";
    pid_t pid = fork();                             /* the child is named as its maker */
    int status;
    if (pid == 0)
        _exit(!name_is("third"));
    return waitpid(pid, &status, 0) == pid && status == 0 ? NULL : "fork";
}

static int each_thread_has_a_name(void)
{
    pthread_t thread;
    void *bad;

    CHECK(prctl(PR_SET_NAME, "the-first") == 0);
    CHECK(pthread_create(&thread, NULL, named_thread, NULL) == 0 && pthread_join(thread, &bad) == 0);
    if (bad)
        printf("# %s\n", (char *)bad);
    CHECK(bad == NULL);
    CHECK(name_is("the-first"));
    return 0;
}

/* What can be scheduled on is what cpuinfo lists. */
static int cpuinfo_lists_the_cpus_of_the_affinity_mask(void)
{
    char line[256];
    cpu_set_t set;
    unsigned cpu;
    int nr = 0;

    CPU_ZERO(&set);
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    FILE *f = fopen("/proc/cpuinfo", "r");
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "processor : %u", &cpu) != 1)
            continue;
        CHECK(CPU_ISSET(cpu, &set));
        nr++;
    }
    fclose(f);
    CHECK(nr == CPU_COUNT(&set));
    return 0;
}

COMPAT_MAIN(T(a_process_names_itself), T(each_thread_has_a_name), T(cpuinfo_lists_the_cpus_of_the_affinity_mask))
