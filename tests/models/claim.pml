// expect: pass
/*
 * A claim that ends without a wake-up (microkernel/kernel/thread.c: defer,
 * thread_unclaim), with store buffers as in ring.pml: a receiver takes a caller
 * out of an endpoint's queue, copies its message and leaves it waiting for the
 * reply. Meanwhile the caller's hart is asked to stop it. It may not do so
 * while the claim lasts, and must not forget it afterwards.
 *
 * Checked: the thread is never stopped while claimed, and is stopped in the end.
 * claim_no_fence_owner, claim_no_fence_claimer: they must fail.
 */
#ifndef OWNER_FENCE
#define OWNER_FENCE empty(owner_buf)
#endif
#ifndef CLAIMER_FENCE
#define CLAIMER_FENCE empty(claimer_buf)
#endif

#define TIMES 2

bit claimed, deferred;          /* memory, as the other hart sees it */
bit o_stop, o_recheck;          /* the thread's pending operations */
bit copying;                    /* ghost: the claimer writes the thread's registers */
bit stopped;

mtype = { CLAIMED, DEFERRED };
chan owner_buf = [2] of { mtype, bit };
chan claimer_buf = [2] of { mtype, bit };

proctype owner_stores()
{
    bit v;
end:
    do
    :: atomic { owner_buf ? DEFERRED(v) -> deferred = v }
    od
}

proctype claimer_stores()
{
    bit v;
end:
    do
    :: atomic { claimer_buf ? CLAIMED(v) -> claimed = v }
    od
}

proctype claimer()
{
    byte i;

    for (i : 1 .. TIMES) {
        /* Under the endpoint's lock, which drains the buffer. */
        atomic {
            empty(claimer_buf);
            if
            :: stopped -> break                 /* not in the queue any more */
            :: else -> claimed = 1; copying = 1
            fi
        }
        copying = 0;
        claimer_buf ! CLAIMED(0);
        CLAIMER_FENCE;
        if
        :: deferred -> atomic { empty(claimer_buf); o_recheck = 1 }
        :: else
        fi
    }
}

proctype owner()
{
    bit stop, own_deferred;

    do
    :: o_stop || o_recheck ->
        atomic { stop = o_stop; o_stop = 0; o_recheck = 0 }
        stop = stop | own_deferred;
        own_deferred = 0;
        do
        :: stop ->
            /* leave_wait: under the endpoint's lock */
            atomic {
                if
                :: claimed -> skip
                :: else -> assert(!copying); stopped = 1; stop = 0
                fi
            }
            if
            :: stop ->
                own_deferred = 1;
                owner_buf ! DEFERRED(1);
                OWNER_FENCE;
                if
                :: claimed -> stop = 0          /* its end will tell us */
                :: else -> own_deferred = 0; owner_buf ! DEFERRED(0)
                fi
            :: else
            fi
        :: else -> break
        od
    :: stopped -> break
    od
}

init {
    atomic {
        o_stop = 1;
        run owner_stores();
        run claimer_stores();
        run claimer();
        run owner();
    }
}
