// expect: pass
/*
 * Requests between harts and the idle declaration (microkernel/kernel/mailbox.c,
 * sched.c), with store buffers as in ring.pml.
 *
 * One hart H owns the threads 0 (low priority) and 1 (high). Two posters on
 * other harts wake one thread each, `N` times, each time after it has blocked.
 * H's own words (asleep, running_priority, ipi_sent) leave it through a FIFO
 * buffer, and so do the posters' pushes. In user mode and in wfi H does nothing
 * until a software interrupt comes, so a missed one is a deadlock: spin reports
 * an invalid end state. A pending wake-up of a thread below the running one may
 * wait; it is not worth an interrupt.
 *
 * Marks in the C code: [push], [look] in mailbox.c notify(); [take] in trap.c
 * interrupt_take(); [drain] mailbox_drain(); [sleep] sched.c sleep(); [run]
 * exit_slow().
 *
 * mailbox_no_fence_poster, mailbox_no_fence_sleep, mailbox_no_fence_run,
 * mailbox_no_look and mailbox_late_clear are this protocol with one step
 * removed or moved: they must fail.
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

#define N 2                     /* wake-ups of each thread */
#define IDLE 0                  /* priorities: thread t has t + 1 */
#define PENDING (box[0] || box[1])

/* Memory, as other harts see it. */
bit box[2];                     /* the mailbox: a wake-up of thread t is in it */
bit asleep, ipi_sent;
byte running;
bit ssip;                       /* H's software interrupt, set by firmware */

bit blocked[2] = 1;             /* ghost: the thread waits for a wake-up */
byte done[2];                   /* ghost: how often the thread has run */

mtype = { ASLEEP, RUNNING, IPI_SENT, PUSH };
chan h_buf = [4] of { mtype, byte };
chan p_buf[2] = [2] of { mtype, byte };

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
    bit ready[2];
    byte own = IDLE;            /* what H last stored in `running` */
    byte t;

again:
    /* [drain]: one exchange takes the whole list */
    atomic {
        if :: box[0] -> box[0] = 0; ready[0] = 1 :: else fi;
        if :: box[1] -> box[1] = 0; ready[1] = 1 :: else fi
    }
    CLEAR_LATE;
    if
    :: !ready[0] && !ready[1] ->                /* idle */
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
    t = (ready[1] -> 1 : 0);
    if
    :: own != t + 1 ->                          /* [run] */
        own = t + 1;
        h_buf ! RUNNING(own);
        RUN_FENCE;
        if
        :: LOOK_AGAIN(PENDING) -> goto again
        :: else
        fi
    :: else
    fi;
    /* User mode. The high thread blocks after a while; the low one computes
     * until the high one has had all its turns, so that only an interrupt can
     * bring that one in. */
    if
    :: ssip -> TAKE_INTERRUPT
    :: t == 1 || done[1] == N ->
        ready[t] = 0;
        done[t]++;
        blocked[t] = 1
    fi;
    goto again
}

/* Every wake-up arrives: wfi may last for ever only after the last one. */
proctype checker()
{
    (done[0] == N && done[1] == N)
}

init {
    atomic {
        run h_stores();
        run p_stores(0);
        run p_stores(1);
        run hart();
        run poster(0);
        run poster(1);
        run checker();
    }
}
