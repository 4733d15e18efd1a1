/* SPDX-License-Identifier: MIT */
/* What a process has here: three itimers and its POSIX timers. */
#ifndef TIME_PROCESS_H
#define TIME_PROCESS_H

#include <libipc/executor.h>
#include <time_server.h>

#include "cpu_timer.h"
#include "timer.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF, NR_ITIMERS };
#define MAX_POSIX_TIMERS 256

struct process;

struct itimer {
    struct timer timer;         /* REAL                                         */
    struct cpu_timer cpu;       /* VIRTUAL, PROF                                */
    struct process *process;
    uint8_t  which;
};

struct posix_timer {
    struct timer timer;
    struct cpu_timer cpu;       /* instead, if on_cpu                           */
    bool     on_cpu;
    struct process *process;
    uint32_t id;
    uint32_t clock, notify, signo;
    uint64_t value;
    uint32_t tid;               /* 0: the process is signalled                  */
    uint32_t overrun;           /* of the signal delivered last                 */
    uint32_t pending_overrun;   /* of the one that is pending                   */
};

struct process {
    uint32_t slot;
    struct itimer itimer[NR_ITIMERS];
    struct posix_timer *posix[MAX_POSIX_TIMERS];
    uint32_t nr_posix;
};

extern struct process *processes[NR_SLOTS];
extern struct rpc_client proc_client, fs_client;
extern const struct server_info *const info;

/* The caller's, made at the first need; NULL: the slot has no session or no memory. */
struct process *process_get(uint32_t slot);
uint32_t process_pid(const struct process *);
const volatile struct proc_page *process_page(uint32_t slot);
void itimers_clear(struct process *);
void posix_timers_clear(struct process *);
/* The process moved to another slot (exec). */
void process_move(uint32_t from, uint32_t to);

#endif
