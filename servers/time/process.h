/* SPDX-License-Identifier: MIT */
/* What a process has here: three itimers and its POSIX timers. All of it lies in memory that outlives this server (state.h):
 * it is changed in transactions, and pointers in it are good for one life only if they point to elsewhere. */
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

struct time_posix_timer {
    union {
        struct timer timer;
        struct cpu_timer cpu;       /* if on_cpu                                */
    };
    struct process *process;
    uint64_t value;
    uint32_t id;
    uint32_t clock, notify, signo;
    uint32_t tid;               /* 0: the process is signalled                  */
    uint32_t overrun;           /* of the signal delivered last                 */
    uint32_t pending_overrun;   /* of the one that is pending                   */
    bool     on_cpu;
};

struct process {
    uint32_t slot;
    uint64_t posix_used[MAX_POSIX_TIMERS / 64];
    struct itimer itimer[NR_ITIMERS];
    struct time_posix_timer posix[MAX_POSIX_TIMERS];
};

extern struct process *processes[NR_SLOTS];     /* by slot; NULL: it has none */
extern struct rpc_client proc_client, fs_client;
extern const struct server_info *const info;

/* The caller's, made at the first need; NULL: the slot has no session or no memory. */
struct process *process_get(uint32_t slot);
uint32_t process_pid(const struct process *);
const volatile struct proc_page *process_page(uint32_t slot);
void itimers_clear(struct process *);
void posix_timers_clear(struct process *);
/* After a restart: what the server before us had, from state.h. */
void processes_recover(void);
void itimers_recover(struct process *);
void posix_timers_recover(struct process *);
void fs_timers_recover(void);

#endif
