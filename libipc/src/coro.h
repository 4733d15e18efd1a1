/* SPDX-License-Identifier: MIT */
/* Between coroutines and the executor; not for servers. */
#ifndef LIBIPC_SRC_CORO_H
#define LIBIPC_SRC_CORO_H

#include <libipc/atomic.h>
#include <libipc/executor.h>

/* `stacks`: room for nr * (stack_bytes + a guard page), the guard below each. */
error_t coro_init(void *stacks, uint32_t nr, size_t stack_bytes);
/* Run every coroutine that is woken now; true when there was one. */
bool coro_run_woken(void);
#define CORO_MAX 256u
/* 1: coro_run_woken has something to look at. */
extern uint32_t coro_woken_any;
static inline bool coro_any_woken(void)
{
    return load_relaxed(&coro_woken_any) != 0;
}
/* Set or forget the current coroutine's cancel flag. */
void coro_set_cancelled(struct coro *, bool);

/* Assembly. Saves the callee-saved registers on the current stack, stores its
 * sp in *save, continues where `load` was saved. */
void coro_switch(void **save, void *load);
/* Where a fresh stack starts: calls coro_main. */
void coro_entry(void);
void coro_main(void) __attribute__((noreturn));

#endif
