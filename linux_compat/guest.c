/* SPDX-License-Identifier: MIT */
/*
 * Guest memory in C: range checks around the assembly of guest_access.S, and
 * what happens when the personality itself faults outside of it.
 */
#include "guest.h"
#include "error.h"
#include "process.h"
#include "signal.h"

bool guest_memory_again(void)
{
    struct thread *t = this_thread();
    if (t->frame.fault.cause != UPCALL_NO_MEMORY)
        return false;
    memory_wait(t);
    return true;
}

static error_t copy(void *to, const void *from, uint64_t bytes)
{
    while (__builtin_expect(guest_copy_raw(to, from, bytes) != 0, 0))
        if (!guest_memory_again())
            return ERR_FAULT;
    return ERR_OK;
}

error_t guest_read(void *to, uaddr_t from, uint64_t bytes)
{
    return guest_range_ok(from, bytes) ? copy(to, (const void *)from, bytes) : ERR_FAULT;
}

error_t guest_write(uaddr_t to, const void *from, uint64_t bytes)
{
    return guest_range_ok(to, bytes) ? copy((void *)to, from, bytes) : ERR_FAULT;
}

error_t guest_zero(uaddr_t to, uint64_t bytes)
{
    if (!guest_range_ok(to, bytes))
        return ERR_FAULT;
    while (guest_zero_raw((void *)to, bytes))
        if (!guest_memory_again())
            return ERR_FAULT;
    return ERR_OK;
}

error_t lent_copy_in(void *arena, const void *lent, size_t bytes)
{
    return copy(arena, lent, bytes);
}

error_t lent_copy_out(void *lent, const void *arena, size_t bytes)
{
    return copy(lent, arena, bytes);
}

long guest_strlen(uaddr_t from, uint64_t max)
{
    if (from >= GUEST_LIMIT)
        return -EFAULT;
    uint64_t room = GUEST_LIMIT - from;
    uint64_t limit = max < room ? max : room;
    int64_t n;
    while ((n = guest_strnlen_raw((const void *)from, limit)) < 0)
        if (!guest_memory_again())
            return -EFAULT;
    if ((uint64_t)n == limit)
        return limit < max ? -EFAULT : -ENAMETOOLONG;
    return n;
}

/* entry.S: a fault at a pc that no exception range covers, or memory for the
 * personality's own pages is gone. The process cannot go on. */
void fault_fatal(void);
void fault_fatal(void)
{
    struct thread *t = this_thread();
    const struct upcall_regs *r = &t->frame.fault;
    uint32_t signo = r->cause == UPCALL_NO_MEMORY ? SIGKILL : SIGSEGV;
    if (!t->in_fault++) {
        /* A lock that this thread holds would keep the request from going out. */
        if (t->process) {
            t->process->rpc_lock.owner = 0;
            die(signo, r->value, r->x[0]);
        }
    }
    for (;;)
        __asm__ volatile("ebreak");
}
