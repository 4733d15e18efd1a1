// expect: pass
/*
 * The sleep protocol of the rings (docs/rings.md), with store buffers.
 *
 * A client submits N requests, sleeping for the answer whenever it has none to
 * take; a server consumes, answers and sleeps. spin interleaves sequentially,
 * but harts do not: a store stays in its hart's buffer while later loads go
 * ahead. So each side's two words (its index and its asleep flag) go through
 * a FIFO buffer here; a load of one's own words is never needed, a load of the
 * other's words sees memory only, and a fence waits until the own buffer is
 * empty. Kernel calls (signal, wait) order everything, like the real ones.
 *
 * ring_no_fence.pml and ring_no_recheck.pml are this protocol with one step
 * removed: they must fail. Both include this file.
 */
#ifndef FENCE
#define FENCE(b) empty(b)       /* enabled once the buffer was written out */
#endif
#ifndef LOOK_AGAIN
#define LOOK_AGAIN(x) (x)
#endif

#define N 4                     /* requests */
#define BATCH 2                 /* at most so many unanswered */

/* Memory, as other harts see it. */
byte sq_tail, cq_tail;
bit server_asleep, client_asleep;
/* The kernel's notifications. */
bit server_bell, client_bell;
/* How far the server got; for the final check. */
byte answered;

mtype = { TAIL, ASLEEP };
chan client_buf = [4] of { mtype, byte };
chan server_buf = [4] of { mtype, byte };

/* The hardware writes buffered stores to memory at some time, in order. */
proctype client_hart()
{
    byte v;
end:
    do
    :: atomic { client_buf ? TAIL(v)   -> sq_tail = v }
    :: atomic { client_buf ? ASLEEP(v) -> client_asleep = v }
    od
}

proctype server_hart()
{
    byte v;
end:
    do
    :: atomic { server_buf ? TAIL(v)   -> cq_tail = v }
    :: atomic { server_buf ? ASLEEP(v) -> server_asleep = v }
    od
}

inline ring_server() { atomic { empty(client_buf); server_bell = 1 } }
inline ring_client() { atomic { empty(server_buf); client_bell = 1 } }

inline wait_client() { empty(client_buf); atomic { client_bell; client_bell = 0 } }

proctype client()
{
    byte tail, head;
    bit asleep;

    do
    :: tail < N && tail - head < BATCH ->
        tail++;
        client_buf ! TAIL(tail);                /* publish */
        FENCE(client_buf);
        asleep = server_asleep;
        if
        :: asleep -> ring_server()
        :: else
        fi
    /* The only thread: publish and declare asleep, then one fence for both looks. */
    :: tail < N && tail == head ->
        tail++;
        client_buf ! TAIL(tail);
        client_buf ! ASLEEP(1);
        FENCE(client_buf);
        asleep = server_asleep;
        if
        :: asleep && LOOK_AGAIN(cq_tail != head) -> ring_server()
        :: asleep && !LOOK_AGAIN(cq_tail != head) ->
            ring_server();
            wait_client()
        :: else                                 /* awake: drain or sleep below */
        fi;
        client_buf ! ASLEEP(0)
    :: head < cq_tail -> head++                 /* drain */
    :: head < tail ->
        client_buf ! ASLEEP(1);
        FENCE(client_buf);
        if
        :: LOOK_AGAIN(cq_tail != head) -> skip
        :: else -> wait_client()
        fi;
        client_buf ! ASLEEP(0)
    :: head == N -> break
    od
}

proctype server()
{
    byte tail, head;
    bit asleep;

end:
    do
    :: head < sq_tail ->
        head++;
        tail++;
        answered = tail;
        server_buf ! TAIL(tail);                /* the answer */
        FENCE(server_buf);
        asleep = client_asleep;
        if
        :: asleep -> ring_client()
        :: else
        fi
    :: head == sq_tail ->
        server_buf ! ASLEEP(1);
        FENCE(server_buf);
        if
        :: LOOK_AGAIN(sq_tail != head) -> skip
        :: else ->
            empty(server_buf);
end_idle:   atomic { server_bell; server_bell = 0 }
        fi;
        server_buf ! ASLEEP(0)
    od
}

init {
    atomic {
        run client_hart();
        run server_hart();
        run client();
        run server();
    }
}
/* The client has no end label inside its loop: it must get all N answers, or
 * spin reports an invalid end state. */
