// expect: pass
/*
 * The rings while both sides share a hart (docs/rings.md): the words
 * server_asleep and client_asleep are 1 and stay so.
 *
 * The server serves what one look at the ring shows and waits again, without a
 * second look. The client looks again after a fence, which it needs since the
 * server does not ring a client twice that has not drained in between
 * (rpc_server_flush): it remembers the client's index when it rang.
 *
 * Store buffers as in ring.pml. LOOK_AGAIN is taken out by ring_cold_no_look.pml,
 * which must fail.
 */
#ifndef LOOK_AGAIN
#define LOOK_AGAIN(x) (x)
#endif

#define N 4                     /* requests */
#define BATCH 3                 /* at most so many unanswered */

byte sq_tail, cq_tail, cq_head;
bit server_bell, client_bell;

mtype = { TAIL, HEAD };
chan client_buf = [4] of { mtype, byte };
chan server_buf = [4] of { mtype, byte };

proctype client_hart()
{
    byte v;
end:
    do
    :: atomic { client_buf ? TAIL(v) -> sq_tail = v }
    :: atomic { client_buf ? HEAD(v) -> cq_head = v }
    od
}

proctype server_hart()
{
    byte v;
end:
    do
    :: atomic { server_buf ? TAIL(v) -> cq_tail = v }
    od
}

proctype client()
{
    byte tail, head, seen;

    do
    :: tail < N && tail - head < BATCH ->
        tail++;
        client_buf ! TAIL(tail);
        empty(client_buf);                      /* the fence; the server is asleep */
        atomic { empty(client_buf); server_bell = 1 }
    :: head < tail ->
        seen = cq_tail;                         /* drain what one load shows */
        if
        :: seen != head ->
            head = seen;
            client_buf ! HEAD(head)
        :: else
        fi;
        if
        :: head < tail ->
            empty(client_buf);                  /* the fence */
            if
            :: LOOK_AGAIN(cq_tail != head) -> skip
            :: else ->
                empty(client_buf);
                atomic { client_bell; client_bell = 0 }
            fi
        :: else
        fi
    :: head == N -> break
    od
}

proctype server()
{
    byte tail, head, seen, at, rung_at;
    bit rung;

end:
    do
    :: atomic { server_bell; server_bell = 0 }
        seen = sq_tail;
        do
        :: head < seen ->
            head++;
            tail++;
            server_buf ! TAIL(tail);
            empty(server_buf);                  /* the fence of the flush */
            at = cq_head;
            if
            :: rung && rung_at == at -> skip    /* it cannot have slept since */
            :: else ->
                rung = (tail != at);
                rung_at = at;
                atomic { empty(server_buf); client_bell = 1 }
            fi
        :: else -> break
        od;
        empty(server_buf)
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
