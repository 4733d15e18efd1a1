// expect: pass
/*
 * A wait on a notification with a deadline, and everything that may end it at
 * the same time: signals from another hart, the deadline, an upcall, a stop
 * (microkernel/object/notification.c, kernel/thread.c, object/tcb_ops.c).
 *
 * Thread T of hart H waits until it has got the bits of all signals. Whoever
 * takes T out of the queue under the notification's lock has claimed it and
 * alone completes the wait; H puts off what it wanted to do to a claimed thread.
 * Critical sections are atomic here; the words that matter outside of them
 * are only ever read after the release store that follows them, so there are no
 * store buffers. How requests reach H is mailbox.pml.
 *
 * Checked: no wait is completed twice; no bit is lost or delivered twice; T does
 * not run between the answer of TCB_SUSPEND and TCB_RESUME; everything ends.
 *
 * Marks in the C code: [signal], [wait] in notification.c; [leave], [deadline],
 * [upcall], [stop], [defer] in thread.c; [suspend], [starting] in tcb_ops.c.
 *
 * notification_unclaimed, notification_unlocked, notification_no_starting and
 * notification_no_ops_look are this protocol with one step removed: they must
 * fail.
 */
#ifndef CLAIMED                 /* does the owner respect a claim? */
#define CLAIMED (claimed)
#endif
#ifndef STARTING
#define STARTING (starting)
#endif
#ifndef SUSPEND_POSTED
#define SUSPEND_POSTED (o_suspend)
#endif

#define ALL 3                   /* the bits of two signals */
#define STOPS 2                 /* suspend and resume, so often */

mtype = { RUNNABLE, BLOCKED, STOPPED };
mtype = { NOTHING, BITS, TIMEOUT, INTERRUPTED };

/* The notification. */
byte bits;
bit queued;
/* T. */
mtype state = RUNNABLE;
mtype outcome = NOTHING;
byte result;
bit claimed, in_heap, upcall_pending, deferred, starting;
/* Its word of pending operations. */
bit o_wake, o_suspend, o_resume, o_upcall;

bit held;                       /* ghost: SUSPEND was answered, RESUME not yet asked */
byte got;                       /* what T has received */

inline complete(o)
{
    assert(state == BLOCKED && outcome == NOTHING);
    outcome = o
}

proctype signaler(byte bit_)
{
    bit mine;
                                                /* [signal] */
#ifdef UNLOCKED
    mine = queued;
    bits = bits | bit_;
    atomic {
        if
        :: mine && queued -> queued = 0; claimed = 1; result = bits; bits = 0
        :: else -> mine = 0
        fi
    }
#else
    atomic {
        bits = bits | bit_;
        mine = queued;
        if
        :: queued -> queued = 0; claimed = 1; result = bits; bits = 0
        :: else
        fi
    }
#endif
    if
    :: mine -> atomic { complete(BITS) }; o_wake = 1
    :: else
    fi
}

proctype canceller()
{
    byte i;

    o_upcall = 1;
    do
    :: i < STOPS ->
        do                                      /* [suspend]; K_AGAIN is a turn */
        :: true ->
            if
            :: STARTING || state != STOPPED -> o_suspend = 1
            :: else
            fi;
            if
            :: !STARTING && state == STOPPED && !SUSPEND_POSTED -> break
            :: else
            fi
        od;
        held = 1;
        held = 0;
        starting = 1;                           /* [starting] */
        o_resume = 1;
        i++
    :: i == STOPS -> break
    od
}

bit left;                       /* result of leave_wait */

/* [leave] T out of the queue, unless it is claimed. */
inline leave_wait()
{
    atomic {
        if
        :: CLAIMED -> left = 0
        :: else -> queued = 0; left = 1; in_heap = 0
        fi
    }
}

inline stop()                                   /* [stop], [defer] */
{
    if
    :: state == RUNNABLE -> state = STOPPED
    :: state == BLOCKED ->
        leave_wait();
        if
        :: left -> state = STOPPED              /* the wait starts again */
        :: else -> deferred = 1
        fi
    :: else
    fi
}

proctype hart()
{
    bit wake, susp, resume, upcall;

    do
    :: o_wake || o_suspend || o_resume || o_upcall ->
        atomic {                                /* one exchange */
            wake = o_wake; susp = o_suspend; resume = o_resume; upcall = o_upcall;
            o_wake = 0; o_suspend = 0; o_resume = 0; o_upcall = 0
        }
        if
        :: wake ->
            in_heap = 0;
            claimed = 0;
            state = RUNNABLE;
            susp = susp | deferred;
            deferred = 0
        :: else
        fi;
        if
        :: upcall ->                            /* [upcall] */
            upcall_pending = 1;
            if
            :: state == BLOCKED ->
                leave_wait();
                if
                :: left ->
                    upcall_pending = 0;
                    complete(INTERRUPTED);
                    state = RUNNABLE
                :: else
                fi
            :: else
            fi
        :: else
        fi;
        if
        :: resume ->
            if
            :: state == STOPPED -> state = RUNNABLE
            :: else
            fi;
            starting = 0
        :: else
        fi;
        if
        :: susp -> stop()
        :: else
        fi

    :: in_heap ->                               /* [deadline] */
        in_heap = 0;
        if
        :: state == BLOCKED ->
            leave_wait();
            if
            :: left -> complete(TIMEOUT); state = RUNNABLE
            :: else
            fi
        :: else
        fi

    :: state == RUNNABLE ->                     /* T executes */
        assert(!held);
        if
        :: outcome == BITS ->
            assert((got & result) == 0);
            got = got | result;
            result = 0
        :: else
        fi;
        outcome = NOTHING;
        if
        :: got == ALL -> break
        :: else ->
            atomic {                            /* [wait] */
                if
                :: bits -> outcome = BITS; result = bits; bits = 0
                :: else ->
                    if
                    :: upcall_pending -> upcall_pending = 0; outcome = INTERRUPTED
                    :: true -> outcome = TIMEOUT        /* a poll */
                    :: !upcall_pending ->
                        queued = 1;
                        state = BLOCKED;
                        if
                        :: in_heap = 1
                        :: skip                 /* no deadline */
                        fi
                    fi
                fi
            }
        fi
    od;
    /* T has ended; H goes on serving requests. */
end:
    do
    :: o_wake -> assert(false)
    :: atomic { o_upcall -> o_upcall = 0 }
    :: o_suspend || o_resume ->
        atomic { susp = o_suspend; resume = o_resume; o_suspend = 0; o_resume = 0 }
        if
        :: resume ->
            if
            :: state == STOPPED -> state = RUNNABLE
            :: else
            fi;
            starting = 0
        :: else
        fi;
        if
        :: susp -> state = STOPPED
        :: else
        fi
    od
}

init {
    atomic {
        run hart();
        run signaler(1);
        run signaler(2);
        run canceller();
    }
}
