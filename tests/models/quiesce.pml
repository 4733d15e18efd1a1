// expect: pass
/*
 * When memory of a deleted object may be used again (microkernel/kernel/quiesce.h),
 * with store buffers as in mailbox.pml.
 *
 * Hart H looks objects up without a lock: its entries count `passes`, read a slot, and
 * use what it names a moment later. Between entries it stays in user mode for as long
 * as it likes, sleeps, or takes the interrupt that it has been sent. The deleter D takes
 * two objects apart, one after the other: it empties the slot, notes H's count, and
 * gives the memory away once quiescence is reached. H must never use an object that has
 * been given away, and D must come to its end.
 *
 * Marks in the C code: [enter] quiesce_enter(), [mark] quiesce_mark(), [reached]
 * quiesce_reached(); [sleep] in sched.c sleep().
 *
 * quiesce_buffered_count, quiesce_no_wait, quiesce_no_ask and quiesce_no_fence_mark are
 * this with one step removed or changed: they must fail.
 */
#ifndef COUNT
#define COUNT(n) atomic { empty(h_buf); passes = n }    /* an AMO, ordered both ways */
#endif
#ifndef REACHED
#define REACHED (asleep || passes != noted)
#endif
#ifndef ASK
#define ASK asked = 1
#endif
#ifndef MARK_FENCE
#define MARK_FENCE empty(d_buf)
#endif

#define OBJECTS 2
#define ENTRIES 4               /* of H that look something up */

/* Memory, as other harts see it. */
bit named[OBJECTS] = 1;          /* the slot names the object */
byte passes;
bit asleep;
bit asked;                      /* HART_OP_QUIESCE's interrupt */

bit given[OBJECTS];             /* ghost: the memory is something else now */

mtype = { PASSES, ASLEEP };
chan h_buf = [4] of { mtype, byte };
chan d_buf = [2] of { byte };

proctype h_stores()
{
    byte v;
end:
    do
    :: atomic { h_buf ? PASSES(v) -> passes = v }
    :: atomic { h_buf ? ASLEEP(v) -> asleep = v }
    od
}

proctype d_stores()
{
    byte i;
end:
    do
    :: atomic { d_buf ? i -> named[i] = 0 }
    od
}

proctype hart()
{
    byte own, n, i;

end_user:
    do
    :: n < ENTRIES ->
        own++;
        COUNT(own);                             /* [enter] */
        if
        :: i = 0
        :: i = 1
        fi;
        if
        :: named[i] -> assert(!given[i])         /* two steps: found, used */
        :: else
        fi;
        n++
    :: asked ->
        asked = 0;
        own++;
        COUNT(own)                              /* [enter] */
    :: n < ENTRIES ->
        h_buf ! ASLEEP(1);                      /* [sleep] */
        empty(h_buf);
        h_buf ! ASLEEP(0)                       /* woken; visible before the next count */
    od
}

proctype deleter()
{
    byte i, noted;

    do
    :: i < OBJECTS ->
        d_buf ! i;
        MARK_FENCE;                             /* [mark] */
        noted = passes;
        if                                      /* [reached] */
        :: REACHED
        :: else ->
            ASK;
            (REACHED)
        fi;
        given[i] = 1;
        i++
    :: else -> break
    od
}

init {
    atomic {
        run h_stores();
        run d_stores();
        run hart();
        run deleter();
    }
}
