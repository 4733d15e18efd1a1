/* SPDX-License-Identifier: MIT */
/*
 * Kernel entries around 10,000 requests to fs (statx, which is always one), in
 * batches, from /proc/atoll/counters; and around fstat calls that fs leased.
 *
 * The guest's calls are reflections and resumes; "kernel calls" are what the
 * personality (hart 0) and fs (hart 1) ask of the kernel. While fs is awake a
 * request and its answer need none. Whether it is awake depends on the host's
 * load, so after the 10,000 more batches follow until one met an awake server.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCHES = 50, CALLS = 200, MORE = 5000, POLLS = CALLS / 32 + 10 };

struct counters { long calls[2], reflections, resumes; };

static int source;

static long field(const char *text, const char *name, int hart)
{
    const char *at = strstr(text, name);
    if (!at)
        exit(3);
    at += strlen(name);
    long value = 0;
    for (int i = 0; i <= hart; i++)
        value = strtol(at, (char **)&at, 10);
    return value;
}

static void take(struct counters *c)
{
    char text[4096];
    ssize_t n = pread(source, text, sizeof text - 1, 0);
    if (n <= 0)
        exit(2);
    text[n] = 0;
    c->calls[0] = field(text, "nr_syscalls", 0);
    c->calls[1] = field(text, "nr_syscalls", 1);
    c->reflections = field(text, "nr_reflections", 0);
    c->resumes = field(text, "nr_resumes", 0);
}

/* 200 fstat calls on one descriptor, after two that ask: what is left are reflections. */
static int leased(int file)
{
    struct counters before, after;
    struct stat st;
    long best = 1 << 30;
    for (int b = 0; b < BATCHES; b++) {
        fstat(file, &st);
        fstat(file, &st);
        take(&before);
        for (int i = 0; i < CALLS; i++)
            if (fstat(file, &st) != 0)
                return 5;
        take(&after);
        if (after.calls[0] - before.calls[0] < best)
            best = after.calls[0] - before.calls[0];
        if (after.reflections - before.reflections < CALLS)
            return 6;
    }
    printf("entries: best batch of %d leased fstat: kernel calls %ld on hart 0\n", CALLS, best);
    return 0;
}

int main(void)
{
    long total[2] = { 0, 0 }, best[2] = { 1 << 30, 1 << 30 }, reflections = 0, resumes = 0;
    struct statx st;
    source = open("/proc/atoll/counters", O_RDONLY);
    int file = open("/etc/passwd", O_RDONLY);
    if (source < 0 || file < 0)
        return 1;
    for (int b = 0; b < BATCHES || (b < MORE && (best[0] > 0 || best[1] > POLLS)); b++) {
        struct counters before, after;
        take(&before);
        for (int i = 0; i < CALLS; i++)
            if (statx(file, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st) != 0)
                return 4;
        take(&after);
        for (int h = 0; h < 2; h++) {
            long n = after.calls[h] - before.calls[h];
            if (b < BATCHES)
                total[h] += n;
            if (n < best[h])
                best[h] = n;
        }
        if (b >= BATCHES)
            continue;
        reflections += after.reflections - before.reflections;
        resumes += after.resumes - before.resumes;
    }
    printf("entries: %d statx: %ld reflections, %ld resumes, kernel calls %ld on hart 0, %ld on hart 1\n",
           BATCHES * CALLS, reflections, resumes, total[0], total[1]);
    printf("entries: best batch of %d: kernel calls %ld on hart 0, %ld on hart 1\n", CALLS, best[0], best[1]);
    return leased(file);
}
