/* SPDX-License-Identifier: MIT */
/*
 * Guest memory in C: range checks around the assembly of guest_access.S, and
 * what happens when the personality itself faults outside of it.
 */
#include "guest.h"
#include "error.h"
#include "process.h"
#include "signal.h"

error_t guest_read(void *to, uaddr_t from, uint64_t bytes)
{
    return guest_range_ok(from, bytes) && !guest_copy_raw(to, (const void *)from, bytes) ? ERR_OK : ERR_FAULT;
}

error_t guest_write(uaddr_t to, const void *from, uint64_t bytes)
{
    return guest_range_ok(to, bytes) && !guest_copy_raw((void *)to, from, bytes) ? ERR_OK : ERR_FAULT;
}

error_t guest_zero(uaddr_t to, uint64_t bytes)
{
    return guest_range_ok(to, bytes) && !guest_zero_raw((void *)to, bytes) ? ERR_OK : ERR_FAULT;
}

error_t lent_copy_in(void *arena, const void *lent, size_t bytes)
{
    return guest_copy_raw(arena, lent, bytes) ? ERR_FAULT : ERR_OK;
}

error_t lent_copy_out(void *lent, const void *arena, size_t bytes)
{
    return guest_copy_raw(lent, arena, bytes) ? ERR_FAULT : ERR_OK;
}

long guest_strlen(uaddr_t from, uint64_t max)
{
    if (from >= GUEST_LIMIT)
        return -EFAULT;
    uint64_t room = GUEST_LIMIT - from;
    uint64_t limit = max < room ? max : room;
    int64_t n = guest_strnlen_raw((const void *)from, limit);
    if (n < 0)
        return -EFAULT;
    if ((uint64_t)n == limit)
        return limit < max ? -EFAULT : -ENAMETOOLONG;
    return n;
}

long guest_string(char *to, uaddr_t from, uint64_t max)
{
    long n = guest_strlen(from, max);
    if (n < 0)
        return n;
    if (guest_copy_raw(to, (const void *)from, (uint64_t)n))
        return -EFAULT;
    to[n] = 0;      /* whatever another thread wrote there meanwhile */
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
