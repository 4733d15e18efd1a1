/* SPDX-License-Identifier: MIT */
/*
 * Client and server of tests/idl/sample.idl in one thread: the client's wait runs turns of the server. Set up anew for
 * each TEST.
 */
#ifndef TESTS_ONE_THREAD_H
#define TESTS_ONE_THREAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libipc/executor.h>
#include <sample_client.h>
#include <string.h>

#include "fake_kernel.h"
#include "sample_handlers.h"

#define NR_SESSIONS 64
#define ME          20
#define PEER        3

extern struct session *sessions;
extern struct rpc_server server;
extern struct rpc_client client;        /* in session ME */
extern struct rpc_env env;              /* its: thread_env, but that it waits by turns */
extern void *stacks;                    /* the coroutines' */
extern bool interrupt_next_wait;
extern uint64_t frozen_clock;           /* advances with the turns of a wait; 0: real time */

int set_up(void **state);
int tear_down(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* For env.wait and, which looks at the ring only when the deadline has not passed, env.wait_until. */
error_t wait_by_turns(struct rpc_client *, struct rpc_request *);
error_t wait_by_turns_until(struct rpc_client *, struct rpc_request *, ticks_t deadline);
/* Of the server, while nobody waits. */
void turns(void);
/* The clock stands, at 1000, and has a thousand ticks a second. */
void have_deadlines(void);
/* The server dies where it stands: what it knew is gone, the rings stay. */
void another_server_takes_over(uint32_t epoch);
/* No token, arena slot or entry is taken. */
void assert_nothing_leaked(void);

#endif
