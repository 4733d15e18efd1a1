/* SPDX-License-Identifier: MIT */
/*
 * A ring of bytes with one owner: no locking, indices run freely and the size
 * is a power of two, so head - tail is always the fill level.
 */
#ifndef FS_TTY_BYTE_RING_H
#define FS_TTY_BYTE_RING_H

#include <atoll/types.h>
#include <string.h>

struct byte_ring {
    uint8_t *data;
    uint32_t bytes;         /* power of two                                     */
    uint32_t head;          /* next byte to write                               */
    uint32_t tail;          /* next byte to read                                */
};

static inline uint32_t byte_ring_used(const struct byte_ring *r)
{
    return r->head - r->tail;
}

static inline uint32_t byte_ring_room(const struct byte_ring *r)
{
    return r->bytes - byte_ring_used(r);
}

/* Append one byte; the caller made sure of the room. */
static inline void byte_ring_put(struct byte_ring *r, uint8_t c)
{
    r->data[r->head++ & (r->bytes - 1)] = c;
}

/* The longest contiguous readable stretch; returns its length. */
static inline uint32_t byte_ring_peek(const struct byte_ring *r, const uint8_t **at)
{
    uint32_t offset = r->tail & (r->bytes - 1);
    uint32_t run = r->bytes - offset, used = byte_ring_used(r);
    *at = r->data + offset;
    return run < used ? run : used;
}

/* Copy out up to n bytes; returns how many. */
static inline uint32_t byte_ring_get(struct byte_ring *r, uint8_t *to, uint32_t n)
{
    uint32_t done = 0;
    const uint8_t *at;
    for (uint32_t run; done < n && (run = byte_ring_peek(r, &at)) != 0;) {
        if (run > n - done)
            run = n - done;
        memcpy(to + done, at, run);
        r->tail += run;
        done += run;
    }
    return done;
}

/* Append up to n bytes; returns how many fitted. */
static inline uint32_t byte_ring_append(struct byte_ring *r, const uint8_t *from, uint32_t n)
{
    uint32_t done = 0;
    while (done < n && byte_ring_room(r) != 0) {
        uint32_t offset = r->head & (r->bytes - 1);
        uint32_t run = r->bytes - offset;
        if (run > byte_ring_room(r))
            run = byte_ring_room(r);
        if (run > n - done)
            run = n - done;
        memcpy(r->data + offset, from + done, run);
        r->head += run;
        done += run;
    }
    return done;
}

#endif
