/* SPDX-License-Identifier: MIT */
/*
 * A world for proc's tests: its server files run natively over a kernel that
 * says yes (or fails on request), the generated doubles of fs and time, a runtime
 * that records answers, and a reaper that is done at once.
 */
#ifndef TEST_PROC_FAKE_H
#define TEST_PROC_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fs_double.h>
#include <time_double.h>

#include "exit.h"
#include "process.h"
#include "signal.h"
#include "thread.h"

struct fake {
    ticks_t now;
    unsigned nr_upcalls, nr_suspends, nr_resumes, nr_zeroed;
    int fail_after;             /* invocations until one fails; < 0: never */
    uint32_t client_word;       /* what client memory holds */
    uint64_t segment_id;
    unsigned nr_copies;         /* SYS_VSPACE_COPY */
    int shutdown_status;        /* -1: none */
    bool servers_are_late;      /* fs has handled events up to handled_mark only */
    uint32_t handled_mark;
};
extern struct fake fake;

/* The memory of all clients, at this address. */
#define CLIENT_MEMORY 0x10000000ul
extern union client_memory { uint64_t words[1024]; uint32_t halves[2048]; } client_memory;
/* CPU time of each TCB beside what its processes are given; only grows. */
extern ticks_t fake_cpu_ticks;

/* The last answer of a parked request. */
struct answer {
    unsigned count;
    uint32_t token;
    error_t error;
    union {
        struct proc_wait_out wait;
        struct proc_sig_wait_out sig_wait;
        struct proc_vfork_out vfork;
    };
};
extern struct answer answer;

int world_setup(void **state);
int world_reset(void **state);      /* after each test: only init is left */
/* A request from a process's session; the token is counted up. */
struct rpc_call request(struct process *);
struct process *do_fork(struct process *parent);
struct process *fork_flags(struct process *parent, uint64_t flags, error_t *error);
error_t do_exit(struct process *, int code);
error_t do_kill(struct process *from, int pid, uint32_t signo);
/* wait4-like: returns the handler's answer. */
error_t do_wait(struct process *, uint32_t type, int32_t id, uint32_t options, struct proc_wait_result *);
struct sig_page *sig(struct process *);
bool is_pending(struct process *, uint32_t signo);
/* Handlers for all signals. */
void catch_all(struct process *);
void cancel_parked(struct process *);
void run_timers(ticks_t until);
/* What fs was told last of a process's pending signals. */
uint64_t told_pending(void);
static inline struct proc_page *page(struct process *p) { return p->image->page; }

/* A row of a theme's table. */
#define T(f) cmocka_unit_test_teardown(f, world_reset)
#define WAITED (WAIT_EXITED)
#define PARENT init_process

#endif
