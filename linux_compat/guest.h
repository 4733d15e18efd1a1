/* SPDX-License-Identifier: MIT */
/*
 * Access to the guest's memory, tolerant of faults.
 *
 * A guest address is a uaddr_t and is used only through these functions: each
 * lies in the exception table (guest_access.S), so an access that the kernel
 * cannot resolve ends with an error instead of a fault of the personality.
 * Addresses at or above PERS_BASE are refused. No lock of the personality is
 * held across them unless a comment says why that is safe.
 *
 * guest_read, guest_write: 0 or ERR_FAULT; after ERR_FAULT a part may be done.
 * get_/put_: 0 or -EFAULT (Linux numbers, since handlers return them at once).
 */
#ifndef COMPAT_GUEST_H
#define COMPAT_GUEST_H

#include <atoll/types.h>
#include <atoll/errors.h>
#include <libipc/system.h>

#define GUEST_LIMIT PERS_BASE       /* the vDSO may be read                     */

static inline bool guest_range_ok(uaddr_t address, uint64_t bytes)
{
    return bytes <= GUEST_LIMIT && address <= GUEST_LIMIT - bytes;
}

/* Bytes that could NOT be copied (assembly; no range check). */
uint64_t guest_copy_raw(void *to, const void *from, uint64_t bytes);
uint64_t guest_zero_raw(void *to, uint64_t bytes);
/* Length up to the NUL, or `max` when none was found, or -1 on a fault. */
int64_t guest_strnlen_raw(const void *from, uint64_t max);
int guest_load32_raw(uint32_t *value, const void *from);
int guest_load64_raw(uint64_t *value, const void *from);
int guest_store32_raw(void *to, uint32_t value);
int guest_store64_raw(void *to, uint64_t value);
/* *old = *at; if it was `expected`, *at = desired, sequentially consistent. */
int guest_cmpxchg32_raw(void *at, uint32_t expected, uint32_t desired, uint32_t *old);

/* After one of these failed: true when it was for want of memory, which there is
 * again. Waits for proc, which needs nothing of this process. The functions below
 * try again by themselves. */
bool guest_memory_again(void);
static inline int guest_cmpxchg32(void *at, uint32_t expected, uint32_t desired, uint32_t *old)
{
    while (guest_cmpxchg32_raw(at, expected, desired, old))
        if (!guest_memory_again())
            return -1;
    return 0;
}

error_t guest_read(void *to, uaddr_t from, uint64_t bytes);
error_t guest_write(uaddr_t to, const void *from, uint64_t bytes);
error_t guest_zero(uaddr_t to, uint64_t bytes);

/* The same with pointers that came out of a struct rpc_in/rpc_out: rpc_env's
 * copy functions. Memory of the personality itself is allowed here. */
error_t lent_copy_in(void *arena, const void *lent, size_t bytes);
error_t lent_copy_out(void *lent, const void *arena, size_t bytes);

static inline const void *guest_pointer(uaddr_t address) { return (const void *)address; }

/* ---- for handlers: -EFAULT or 0 ---- */
#define GUEST_EFAULT (-14L)
static inline long copy_from_guest(void *to, uaddr_t from, uint64_t bytes)
{
    return guest_read(to, from, bytes) ? GUEST_EFAULT : 0;
}
static inline long copy_to_guest(uaddr_t to, const void *from, uint64_t bytes)
{
    return guest_write(to, from, bytes) ? GUEST_EFAULT : 0;
}
static inline long get32(uint32_t *value, uaddr_t from)
{
    if (!guest_range_ok(from, 4))
        return GUEST_EFAULT;
    while (guest_load32_raw(value, (const void *)from))
        if (!guest_memory_again())
            return GUEST_EFAULT;
    return 0;
}
static inline long get64(uint64_t *value, uaddr_t from)
{
    if (!guest_range_ok(from, 8))
        return GUEST_EFAULT;
    while (guest_load64_raw(value, (const void *)from))
        if (!guest_memory_again())
            return GUEST_EFAULT;
    return 0;
}
static inline long put32(uaddr_t to, uint32_t value)
{
    if (!guest_range_ok(to, 4))
        return GUEST_EFAULT;
    while (guest_store32_raw((void *)to, value))
        if (!guest_memory_again())
            return GUEST_EFAULT;
    return 0;
}
static inline long put64(uaddr_t to, uint64_t value)
{
    if (!guest_range_ok(to, 8))
        return GUEST_EFAULT;
    while (guest_store64_raw((void *)to, value))
        if (!guest_memory_again())
            return GUEST_EFAULT;
    return 0;
}
/* Length of the string without its NUL, at most max - 1; -EFAULT; or
 * -ENAMETOOLONG when there is no NUL within `max` bytes. */
long guest_strlen(uaddr_t from, uint64_t max);

#endif
