/* SPDX-License-Identifier: MIT */
/*
 * ROUNDS times the same work: 1000 processes, 200 programs by fork and by vfork, 600 threads, 300 files. After
 * each the pages in use, when they have not changed for 200 ms. The first round begins with a crowd, so that
 * whatever is kept for the next crowd is there; after that a round must leave nothing.
 *
 *   rounds ROUNDS
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include "robust.h"

static char buffer[65536];

static long pages_in_use(void)
{
    static char text[4096];
    int fd = open("/proc/atoll/memory", O_RDONLY);
    MUST(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    MUST(n > 0);
    close(fd);
    text[n] = 0;
    long total, left;
    MUST(sscanf(text, "total %ld free %ld", &total, &left) == 2);
    return total - left;
}

static long settled(void)
{
    long now = pages_in_use(), before;
    int same = 0;
    while (same < 10) {     /* the dead are reaped behind our back */
        before = now;
        nap_us(20000);
        now = pages_in_use();
        same = now == before ? same + 1 : 0;
    }
    return now;
}

static void crowd(void)
{
    int fd[2];
    char c;
    MUST(pipe(fd) == 0);
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0) {
            close(fd[1]);
            _exit((int)read(fd[0], &c, 1));
        }
    }
    close(fd[0]);
    close(fd[1]);
    while (wait(NULL) > 0)
        ;
}

static void processes(void)
{
    for (int i = 0; i < 1000; i += 10) {
        for (int j = 0; j < 10; j++) {
            pid_t pid = fork();
            MUST(pid >= 0);
            if (pid == 0)
                _exit(0);
        }
        for (int j = 0; j < 10; j++)
            MUST(wait(NULL) > 0);
    }
}

static void programs(void)
{
    for (int i = 0; i < 200; i++) {
        pid_t pid = i % 2 ? fork() : vfork();
        MUST(pid >= 0);
        if (pid == 0) {
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        int status;
        MUST(waitpid(pid, &status, 0) == pid && status == 0);
    }
}

static void *thread(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

static void threads(void)
{
    for (int i = 0; i < 600; i += 20) {
        pthread_t t[20];
        pthread_barrier_t barrier;
        pthread_barrier_init(&barrier, NULL, 21);
        for (int j = 0; j < 20; j++)
            MUST(pthread_create(&t[j], NULL, thread, &barrier) == 0);
        for (int j = 0; j < 6; j++) {       /* while they live */
            pid_t pid = fork();
            MUST(pid >= 0);
            if (pid == 0)
                _exit(0);
            MUST(waitpid(pid, NULL, 0) == pid);
        }
        pthread_barrier_wait(&barrier);
        for (int j = 0; j < 20; j++)
            MUST(pthread_join(t[j], NULL) == 0);
    }
}

static void files(void)
{
    char name[64];
    MUST(mkdir("/tmp/rounds", 0700) == 0);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "/tmp/rounds/%d", i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        ssize_t n = i % 17 * 4096 % (int)sizeof buffer;
        MUST(fd >= 0 && write(fd, buffer, (size_t)n) == n);
        close(fd);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "/tmp/rounds/%d", i);
        MUST(unlink(name) == 0);
    }
    MUST(rmdir("/tmp/rounds") == 0);
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    crowd();
    for (int round = 1; round <= atoi(argv[1]); round++) {
        processes();
        programs();
        threads();
        files();
        printf("round %d: %ld pages\n", round, settled());
    }
    return 0;
}
