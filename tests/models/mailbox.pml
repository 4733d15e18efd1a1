// expect: pass
/*
 * Requests between harts and the idle declaration (microkernel/kernel/mailbox.c,
 * sched.c), with store buffers as in ring.pml.
 *
 * One hart H owns the threads 0 (low priority) and 1 (high), or T of them. Posters on
 * other harts wake one thread each, `N` times, each time after it has blocked.
 * H's own words (asleep, running_priority, ipi_sent) leave it through a FIFO
 * buffer, and so do the posters' pushes. In user mode and in wfi H does nothing
 * until a software interrupt comes, so a missed one is a deadlock: spin reports
 * an invalid end state. A pending wake-up of a thread below the running one may
 * wait; it is not worth an interrupt.
 *
 * H takes the list out of its mailbox into one of its own and does one entry of that
 * in each portion; then it gives itself an interrupt, and notes that there is more.
 *
 * Marks in the C code: [push], [look] in mailbox.c notify(); [take] in trap.c
 * interrupt_take(); [drain], [portion], [own] in mailbox_drain(); [sleep] sched.c
 * sleep(); [run] exit_slow().
 *
 * mailbox_no_fence_poster, mailbox_no_fence_sleep, mailbox_no_fence_run,
 * mailbox_no_look, mailbox_late_clear, mailbox_no_own (no interrupt of its own),
 * mailbox_own_if_left (one only if its list is not empty: what a poster pushed since
 * is forgotten, though the drain that the poster relies on has been), and
 * mailbox_not_noted are this protocol with one step removed or moved: they must fail.
 * mailbox_three has one wake-up of each of three threads.
 */
#ifndef POSTER_FENCE
#define POSTER_FENCE(b) empty(b)
#endif
#ifndef SLEEP_FENCE
#define SLEEP_FENCE empty(h_buf)
#endif
#ifndef RUN_FENCE
#define RUN_FENCE empty(h_buf)
#endif
#ifndef LOOK_AGAIN
#define LOOK_AGAIN(x) (x)
#endif

#ifndef OWN_INTERRUPT
#define OWN_INTERRUPT true
#endif
#ifndef NOTED
#define NOTED(x) (x)
#endif

#ifndef T
#define T 2                     /* threads: 2 or 3 */
#define N 2                     /* wake-ups of each */
#endif
#define IDLE 0                  /* priorities: thread t has t + 1 */
#define ANY(a) (a[0] || a[1] || a[T - 1])
#define PENDING (ANY(box) || NOTED(more))       /* mailbox_pending() */

/* Memory, as other harts see it. */
bit box[T];                     /* the mailbox: a wake-up of thread t is in it */
bit asleep, ipi_sent;
byte running;
bit ssip;                       /* H's software interrupt, set by firmware or H */
bit list[T];                    /* H's own: taken out of the mailbox, not done */
bit more;                       /* H's own: HART_OP_DRAIN */

bit blocked[T] = 1;             /* ghost: the thread waits for a wake-up */
byte done[T];                   /* ghost: how often the thread has run */

mtype = { ASLEEP, RUNNING, IPI_SENT, PUSH };
chan h_buf = [4] of { mtype, byte };
chan p_buf[T] = [2] of { mtype, byte };

proctype h_stores()
{
    byte v;
end:
    do
    :: atomic { h_buf ? ASLEEP(v)   -> asleep = v }
    :: atomic { h_buf ? RUNNING(v)  -> running = v }
    :: atomic { h_buf ? IPI_SENT(v) -> ipi_sent = v }
    od
}

proctype p_stores(byte t)
{
    byte v;
end:
    do
    :: atomic { p_buf[t] ? PUSH(v) -> box[v] = 1 }
    od
}

proctype poster(byte t)
{
    byte i;
    byte r;
    bit s;

    do
    :: i < N ->
        atomic { blocked[t]; blocked[t] = 0 }   /* claimed the waiter */
        p_buf[t] ! PUSH(t);                     /* [push] */
        POSTER_FENCE(p_buf[t]);
        s = asleep;                             /* [look] */
        r = running;
        if
        :: s || (r != IDLE && t + 1 >= r) ->
            /* send_ipi: an AMO with acquire and release, then the firmware */
            atomic {
                empty(p_buf[t]);
                if
                :: !ipi_sent -> ipi_sent = 1; s = 1
                :: else -> s = 0
                fi
            }
            if
            :: s -> ssip = 1
            :: else
            fi
        :: else
        fi;
        i++
    :: i == N -> break
    od
}

#ifdef LATE_CLEAR
#define TAKE_INTERRUPT skip
#define CLEAR_LATE if :: ssip -> ssip = 0; h_buf ! IPI_SENT(0); empty(h_buf) :: else fi
#else
#define TAKE_INTERRUPT if :: ssip -> ssip = 0; h_buf ! IPI_SENT(0); empty(h_buf) :: else fi
#define CLEAR_LATE skip
#endif

proctype hart()
{
    bit ready[T];
    byte own = IDLE;            /* what H last stored in `running` */
    byte t;

again:
    if
    :: PENDING ->
        more = 0;
        if
        :: !ANY(list) ->                             /* [drain]: one exchange takes all */
            atomic {
                list[0] = box[0]; list[1] = box[1]; list[T - 1] = box[T - 1];
                box[0] = 0; box[1] = 0; box[T - 1] = 0
            }
        :: else
        fi;
        CLEAR_LATE;
        if
        :: ANY(list) ->                              /* [portion] of one, of any thread */
            if
            :: list[0] -> list[0] = 0; ready[0] = 1
            :: list[1] -> list[1] = 0; ready[1] = 1
            :: list[T - 1] -> list[T - 1] = 0; ready[T - 1] = 1
            fi;
            if                                  /* [own] */
            :: !ANY(list) && !ANY(box)          /* seen empty: done */
            :: OWN_INTERRUPT -> more = 1; ssip = 1
            :: else
            fi
        :: else
        fi
    :: else -> CLEAR_LATE
    fi;
    if
    :: !ANY(ready) ->                           /* idle */
        own = IDLE;
        h_buf ! RUNNING(IDLE);
        if
        :: PENDING || ssip -> skip              /* seen while polling */
        :: true ->
            h_buf ! ASLEEP(1);                  /* [sleep] */
            SLEEP_FENCE;
            if
            :: LOOK_AGAIN(PENDING || ssip) -> skip
            :: else ->
end_wfi:        (ssip)
            fi;
            h_buf ! ASLEEP(0);
            empty(h_buf)
        fi;
        TAKE_INTERRUPT;
        goto again
    :: else
    fi;
    t = (ready[T - 1] -> T - 1 : (ready[1] -> 1 : 0));
    if
    :: own != t + 1 ->                          /* [run] */
        own = t + 1;
        h_buf ! RUNNING(own);
        RUN_FENCE;
        if
        :: LOOK_AGAIN(PENDING && !ssip) -> goto again
        :: else
        fi
    :: else
    fi;
    /* User mode. The high thread blocks after a while; a lower one computes
     * until the higher ones have had all their turns, so that only an interrupt can
     * bring those in. */
    if
    :: ssip -> TAKE_INTERRUPT
    :: (t == T - 1 || done[T - 1] == N) && (t != 0 || done[1] == N) ->
        ready[t] = 0;
        done[t]++;
        blocked[t] = 1
    fi;
    goto again
}

/* Every wake-up arrives: wfi may last for ever only after the last one. */
proctype checker()
{
    (done[0] == N && done[1] == N && done[T - 1] == N)
}

init {
    atomic {
        run h_stores();
        run p_stores(0);
        run poster(0);
        run p_stores(1);
        run poster(1);
#if T == 3
        run p_stores(2);
        run poster(2);
#endif
        run hart();
        run checker();
    }
}
