/* SPDX-License-Identifier: MIT */
/*
 * What the robustness programs share: random numbers that a seed repeats, bytes that are known, time, and an
 * end with words. They are ordinary static Linux programs; only hostile.c knows what it runs on.
 */
#ifndef ROBUST_H
#define ROBUST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(cond)                                                                      \
    do {                                                                                \
        if (!(cond)) {                                                                  \
            printf("FAIL %s:%d: %s, errno %d (%s)\n", __FILE__, __LINE__, #cond, errno, \
                   strerror(errno));                                                    \
            fflush(stdout);                                                             \
            _exit(1);                                                                   \
        }                                                                               \
    } while (0)

static uint64_t rng_state = 0x9e3779b97f4a7c15ul;

static inline uint64_t rnd(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state * 0x2545f4914f6cdd1dul;
}

static inline void rng_seed(uint64_t seed)
{
    rng_state = (seed + 1) * 0x9e3779b97f4a7c15ul;
    for (int i = 0; i < 8; i++)
        rnd();
}

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void nap_us(long us)
{
    struct timespec t = { us / 1000000, us % 1000000 * 1000 };
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

/* Wait for a child that may not end by itself: after `ms` it is killed. */
static inline int reap_within(pid_t pid, int ms)
{
    int status = -1;
    double end = now() + ms / 1000.0;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        MUST(got == 0);
        if (now() > end)
            break;
        nap_us(2000);
    }
    MUST(kill(pid, SIGKILL) == 0);
    MUST(waitpid(pid, &status, 0) == pid);
    return status;
}

/* Bytes [seed, seed + n) of a stream that everybody knows. */
static inline void fill(unsigned char *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)((seed + i) * 2654435761u >> 13);
}

static inline void check(const unsigned char *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        MUST(p[i] == (unsigned char)((seed + i) * 2654435761u >> 13));
}

/* A field of /proc/meminfo in KiB. */
static inline long meminfo(const char *key)
{
    char line[128];
    long value = -1;
    FILE *f = fopen("/proc/meminfo", "r");
    MUST(f != NULL);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            value = atol(line + strlen(key) + 1);
    fclose(f);
    return value;
}

#endif
