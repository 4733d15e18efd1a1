/* SPDX-License-Identifier: MIT */
/*
 * Access to user memory, and the copy loops. See usercopy.h.
 *
 * The loops move 64 bytes or more per turn in 8-byte words. An empty asm
 * statement in each keeps the compiler from turning them back into calls of
 * memset and memcpy.
 *
 * Two VSpaces are locked lower address first. The page that is written is
 * resolved before the one that is read: if both are one page of one VSpace, the
 * copy on write must have happened before the source is looked up.
 */
#include "kernel/usercopy.h"

#include "kernel/preempt.h"
#include "object/segment.h"
#include "object/vspace.h"

#define KEEP_LOOP() __asm__ volatile("" ::: "memory")
#define COPY_BYTES_PER_CHECK 8192u     /* between preemption points           */

typedef uint64_t __attribute__((may_alias)) word_t;

void page_clear(void *page)
{
    word_t *w = page, *end = w + PAGE_BYTES / 8;

    for (; w != end; w += 32) {
        w[0] = 0; w[1] = 0; w[2] = 0; w[3] = 0; w[4] = 0; w[5] = 0; w[6] = 0; w[7] = 0;
        w[8] = 0; w[9] = 0; w[10] = 0; w[11] = 0; w[12] = 0; w[13] = 0; w[14] = 0; w[15] = 0;
        w[16] = 0; w[17] = 0; w[18] = 0; w[19] = 0; w[20] = 0; w[21] = 0; w[22] = 0; w[23] = 0;
        w[24] = 0; w[25] = 0; w[26] = 0; w[27] = 0; w[28] = 0; w[29] = 0; w[30] = 0; w[31] = 0;
        KEEP_LOOP();
    }
}

static inline void copy_64(word_t *restrict d, const word_t *restrict s)
{
    word_t a = s[0], b = s[1], c = s[2], e = s[3];
    word_t f = s[4], g = s[5], h = s[6], i = s[7];

    d[0] = a; d[1] = b; d[2] = c; d[3] = e;
    d[4] = f; d[5] = g; d[6] = h; d[7] = i;
}

/* Aligned words, from `from` to `end`, a multiple of 512 bytes. */
static __attribute__((noinline)) void copy_blocks(word_t *restrict to, const word_t *restrict from,
                                                  const word_t *end)
{
    for (; from != end; from += 64, to += 64) {
        copy_64(to, from);
        copy_64(to + 8, from + 8);
        copy_64(to + 16, from + 16);
        copy_64(to + 24, from + 24);
        copy_64(to + 32, from + 32);
        copy_64(to + 40, from + 40);
        copy_64(to + 48, from + 48);
        copy_64(to + 56, from + 56);
        KEEP_LOOP();
    }
}

void page_copy(void *restrict dst, const void *restrict src)
{
    copy_blocks(dst, src, (const word_t *)src + PAGE_BYTES / 8);
}

/* dst aligned, src not: merge neighbouring aligned words. Reads no word that
 * holds no byte of the source, so it never leaves the source's page. */
static size_t copy_shifted(word_t *d, const unsigned char *s, size_t n)
{
    unsigned shift = ((uintptr_t)s & 7) * 8;
    const word_t *w = (const word_t *)((uintptr_t)s & ~7ul);
    word_t low = *w++;
    size_t words = n / 8;

    for (size_t i = 0; i < words; i++) {
        word_t high = *w++;

        *d++ = low >> shift | high << (64 - shift);
        low = high;
    }
    return words * 8;
}

/* Both aligned. Apart, so that bytes_copy needs no stack frame. */
/* NOLINTNEXTLINE(misc-no-recursion): once, what is left is less than a block */
static __attribute__((noinline)) void copy_large(unsigned char *d, const unsigned char *s, size_t n)
{
    size_t blocks = n & ~511ul;

    copy_blocks((word_t *)d, (const word_t *)s, (const word_t *)(s + blocks));
    bytes_copy(d + blocks, s + blocks, n - blocks);
}

/* NOLINTNEXTLINE(misc-no-recursion): see copy_large */
void bytes_copy(void *restrict dst, const void *restrict src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;
    size_t moved;

    if (n >= 16) {
        for (; (uintptr_t)d & 7; n--)
            *d++ = *s++;
        if ((uintptr_t)s & 7) {
            moved = copy_shifted((word_t *)d, s, n);
        } else {
            word_t *to = (word_t *)d;
            const word_t *from = (const word_t *)s, *end;
            if (n >= 512) {
                copy_large(d, s, n);
                return;
            }
            moved = n & ~7ul;
            for (end = from + n / 64 * 8; from != end; from += 8, to += 8) {
                copy_64(to, from);
                KEEP_LOOP();
            }
            if (n & 32) {
                word_t a = from[0], b = from[1], c = from[2], e = from[3];
                to[0] = a; to[1] = b; to[2] = c; to[3] = e;
                from += 4, to += 4;
            }
            if (n & 16) {
                word_t a = from[0], b = from[1];
                to[0] = a; to[1] = b;
                from += 2, to += 2;
            }
            if (n & 8)
                *to = *from;
        }
        d += moved;
        s += moved;
        n -= moved;
    }
    for (; n; n--) {
        *d++ = *s++;
        KEEP_LOOP();
    }
}

/* ---- small structures ---- */

static error_t user_access(struct vspace *vs, uaddr_t va, unsigned char *kernel,
                           size_t n, bool write)
{
    if (!vs || va >= USER_TOP || n > USER_TOP - va)
        return ERR_FAULT;
    while (n) {
        size_t offset = va & (PAGE_BYTES - 1), piece = min(n, PAGE_BYTES - offset);
        struct segment *blocked = NULL;
        enum fault_result why = FAULT_RESOLVED;
        unsigned char *page;

        spin_lock(&vs->lock);
        page = vspace_page(vs, va, write ? VM_WRITE : VM_READ, &why, &blocked);
        if (page && write)
            bytes_copy(page + offset, kernel, piece);
        else if (page)
            bytes_copy(kernel, page + offset, piece);
        spin_unlock(&vs->lock);
        if (!page) {
            if (why != FAULT_RETRY_LATER)
                return ERR_FAULT;
            while (segment_help(blocked))   /* each call gets further */
                ;
            continue;
        }
        va += piece;
        kernel += piece;
        n -= piece;
    }
    return 0;
}

error_t copy_from_user(struct vspace *vs, void *dst, uaddr_t src, size_t n)
{
    return user_access(vs, src, dst, n, false);
}

error_t copy_to_user(struct vspace *vs, uaddr_t dst, const void *src, size_t n)
{
    return user_access(vs, dst, (unsigned char *)(uintptr_t)src, n, true);
}

const void *user_page_lock(struct vspace *vs, uaddr_t va)
{
    struct segment *blocked = NULL;
    enum fault_result why;
    unsigned char *page;

    if (!vs)
        return NULL;
    spin_lock(&vs->lock);
    page = vspace_page(vs, va, VM_READ, &why, &blocked);
    if (page)
        return page + va % PAGE_BYTES;
    spin_unlock(&vs->lock);
    return NULL;
}

/* ---- between VSpaces ---- */

/* One piece within one page of each side. 0, K_PREEMPTED or an error. */
static error_t copy_piece(struct vspace *to, uaddr_t dst, struct vspace *from,
                          uaddr_t src, size_t n)
{
    for (;;) {
        enum fault_result why = FAULT_RESOLVED;
        struct segment *blocked = NULL;
        unsigned char *d, *s = NULL;

        vspace_lock_both(to, from);
        d = vspace_page(to, dst, VM_WRITE, &why, &blocked);
        if (d)
            s = vspace_page(from, src, VM_READ, &why, &blocked);
        if (s) {
            d += dst & (PAGE_BYTES - 1);
            s += src & (PAGE_BYTES - 1);
            if (n == PAGE_BYTES)
                page_copy(d, s);
            else
                bytes_copy(d, s, n);
        }
        vspace_unlock_both(to, from);
        error_t err = s ? 0 : vspace_page_failed(why, blocked);
        if (s || err)
            return err;
    }
}

error_t vspace_copy(struct vspace *remote, uaddr_t remote_va, struct vspace *own,
                    uaddr_t own_va, uint64_t len, bool into, uint64_t *cursor,
                    uint64_t *done)
{
    struct vspace *to = into ? remote : own, *from = into ? own : remote;
    uaddr_t dst = into ? remote_va : own_va, src = into ? own_va : remote_va;
    uint64_t at = *cursor < len ? *cursor : 0, work = 0;
    error_t err = 0;

    if (!remote || !own || dst >= USER_TOP || src >= USER_TOP) {
        *done = 0;
        return len ? ERR_FAULT : 0;
    }
    while (at < len) {
        size_t d_room = PAGE_BYTES - ((dst + at) & (PAGE_BYTES - 1));
        size_t s_room = PAGE_BYTES - ((src + at) & (PAGE_BYTES - 1));
        size_t n = min(min(d_room, s_room), len - at);

        err = copy_piece(to, dst + at, from, src + at, n);
        if (err)
            break;
        at += n;
        work += n;
        if (work >= COPY_BYTES_PER_CHECK && at < len) {
            work = 0;
            if (preempt_pending()) {
                err = K_PREEMPTED;
                break;
            }
        }
    }
    if (err == K_PREEMPTED)
        *cursor = at;
    *done = at;
    return err;
}
