/* SPDX-License-Identifier: MIT */
/* See sched_context.h. */
#include "object/sched_context.h"

#include "kernel/mailbox.h"
#include "kernel/preempt.h"
#include "object/tcb.h"

void sched_context_init(struct sched_context *sc, ticks_t slice)
{
    sc->budget = sc->period = slice < SLICE_MIN_TICKS ? SLICE_MIN_TICKS : slice;
    sc_set_remaining(sc, (int64_t)sc->budget);
}

/* Budget and period are single words that the owner hart reads when it next
 * refills; a configuration takes effect then. Whether the context is limited is
 * also in the owner's fast_hart, hence the request. */
static error_t configure(struct sched_context *sc, ticks_t budget, ticks_t period, uint64_t hart)
{
    if (budget < SLICE_MIN_TICKS || budget > period || period > INT64_MAX || hart >= nr_harts)
        return ERR_INVALID_ARGUMENT;
    if (sc->owner != NULL && sc->hart != hart)
        return ERR_BUSY;
    sc->hart = (uint32_t)hart;
    __atomic_store_n(&sc->budget, budget, __ATOMIC_RELAXED);
    __atomic_store_n(&sc->period, period, __ATOMIC_RELAXED);
    if (sc->owner == NULL) {
        sc_set_remaining(sc, (int64_t)budget);
        sc->replenish_at = 0;
    } else {
        tcb_request(sc->owner, TCB_OP_RECHECK);
    }
    return 0;
}

error_t sched_context_decode(struct invoke *inv)
{
    struct sched_context *sc = inv->object;

    switch (inv->op) {
    case SCHED_CONFIGURE:
        if (!(inv->rights & RIGHT_CONTROL))
            return ERR_RIGHTS;
        return configure(sc, inv->arg[0], inv->arg[1], inv->arg[2]);
    case SCHED_INFO:
        inv->result = (uint64_t)(sc->granted - sc->remaining);
        return 0;
    default:
        return ERR_INVALID_CALL;
    }
}

error_t sched_context_destroy_step(struct sched_context *sc)
{
    return __atomic_load_n(&sc->owner, __ATOMIC_ACQUIRE) == NULL ? 0 : K_AGAIN;
}
