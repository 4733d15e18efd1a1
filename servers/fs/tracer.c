/* SPDX-License-Identifier: MIT */
/*
 * The trace's way out of the machine: with BOOT_TRACE the kernel's rings are
 * mapped here read-only, and a timer copies what is new to the virtio port
 * "atoll.trace", or to a stream of the link where there are no ports. tools/atoll_build/trace.py makes lines of it.
 *
 * What goes out is a sequence of struct trace_event, the rings' chunks one after
 * the other. Each chunk begins with a TRACE_LOST event that names its hart
 * (hart), the events that follow (thread) and those that were overwritten
 * before they could be copied (a); b is the time base.
 */
#include "tracer.h"

#include <string.h>

#include <atoll/trace.h>
#include <libipc/executor.h>

#include "drivers/drivers.h"

#define PERIODS_A_SECOND 500u
#define CHUNK_EVENTS     127u       /* with its head it fills one buffer        */
#define CHUNKS_A_TURN    64u
#define LINK_TRACE       3u         /* tools/atoll_build/run.py                 */

static struct exec_timer timer;
static uint32_t nr_rings, hz;
static uint64_t taken[MAX_HARTS];
static struct trace_event chunk[1 + CHUNK_EVENTS];
_Static_assert(sizeof chunk == 4096, "a buffer of the port");

static const volatile struct trace_ring *ring_of(uint32_t hart)
{
    return (const volatile struct trace_ring *)(SRV_TRACE + hart * TRACE_RING_BYTES);
}

/* Fill `chunk` from a ring; number of events in it. */
static uint32_t copy_ring(uint32_t hart)
{
    const volatile struct trace_ring *r = ring_of(hart);
    uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE), lost = 0;
    uint32_t n = 0;

    if (head - taken[hart] > TRACE_EVENTS - CHUNK_EVENTS) {     /* the oldest may go while we copy */
        lost = head - taken[hart] - TRACE_EVENTS / 2;
        taken[hart] += lost;
    }
    for (; n < CHUNK_EVENTS && taken[hart] + n != head; n++) {
        const volatile struct trace_event *e = &r->event[(taken[hart] + n) % TRACE_EVENTS];

        memcpy(&chunk[1 + n], (const void *)e, sizeof *e);
    }
    taken[hart] += n;
    chunk[0] = (struct trace_event){ .time = exec_now(), .kind = TRACE_LOST, .hart = (uint16_t)hart, .thread = n,
                                     .a = lost, .b = hz };
    return n;
}

static bool can_send(void)
{
    return vport_trace_ready() || uart_link_ready(sizeof chunk);
}

static void send(uint32_t n)
{
    if (vport_trace_ready())
        vport_trace_send(chunk, n);
    else
        uart_link_send(LINK_TRACE, chunk, n);
}

static void drain(struct exec_timer *t)
{
    unsigned left = CHUNKS_A_TURN;

    for (uint32_t hart = 0; hart < nr_rings; hart++) {
        while (left != 0 && can_send()) {
            uint32_t n = copy_ring(hart);

            if (n == 0)
                break;
            send((1 + n) * (uint32_t)sizeof chunk[0]);
            left--;
            if (n < CHUNK_EVENTS)
                break;
        }
    }
    exec_timer_set(t, exec_now() + hz / PERIODS_A_SECOND);
}

void tracer_start(const struct server_info *info)
{
    if (!(info->boot_flags & BOOT_TRACE))
        return;
    nr_rings = info->nr_harts;
    hz = info->timebase_hz;
    timer.fire = drain;
    exec_timer_set(&timer, exec_now());
}
