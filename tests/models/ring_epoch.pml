// expect: pass
/*
 * A server that dies at any moment and is started again, seen from one session
 * (docs/rings.md, "Opening, closing, restarting"). The fences are the business
 * of ring.pml; here each step is atomic and in order.
 *
 * Indices go on; only the epoch changes. The new server begins where the old one
 * had published that it was, takes no entry that bears another epoch than its
 * own, and rings once when it is ready. The client, seeing a new epoch, first takes the answers
 * that the old server left, then ends what is still under way.
 *
 * Checked: each request ends once, by its own answer or by the restart; nobody
 * waits for ever, although the words `asleep` are those of the dead server.
 *
 * ring_epoch_no_mark (entries without epoch), ring_epoch_no_ring (no doorbell at
 * the start) and ring_epoch_late_drain (old answers are left in the ring) are
 * this protocol with one step removed: they must fail.
 */
#ifndef MARK
#define MARK(e) (e)
#endif
#ifndef RING_AT_START
#define RING_AT_START client_bell = 1
#endif

#define N 4                     /* requests of the client, one after the other ... */
#define DEATHS 2
#define SLOTS 4

byte sq_tail, sq_head, cq_tail, epoch = 1;
byte sq_serial[SLOTS], sq_epoch[SLOTS], cq_serial[SLOTS];
bit server_asleep, client_asleep, server_bell, client_bell;
byte finished;

proctype client()
{
    byte serial, own_epoch = 1, head, answer;
    bit waiting, done;

    do
    :: !waiting && serial < N ->
        serial++;
        waiting = 1;
        done = 0;
        d_step {
            sq_serial[sq_tail % SLOTS] = serial;
            sq_epoch[sq_tail % SLOTS] = MARK(own_epoch)
        }
        sq_tail++;
        if
        :: server_asleep -> server_bell = 1
        :: else
        fi
    :: waiting ->
        /* drain, with the epoch read before the tail */
        if
        :: epoch != own_epoch ->
#ifndef LATE_DRAIN
            do
            :: head != cq_tail ->
                answer = cq_serial[head % SLOTS];
                head++;
                assert(answer == serial && !done);
                done = 1
            :: else -> break
            od;
#endif
            own_epoch = epoch;
            waiting = 0;                        /* answered, or PEER_RESTARTED */
            finished++
        :: epoch == own_epoch && head != cq_tail ->
            answer = cq_serial[head % SLOTS];
            head++;
            assert(answer == serial);
            waiting = 0;
            finished++
        :: epoch == own_epoch && head == cq_tail ->
            client_asleep = 1;
            if
            :: head != cq_tail || epoch != own_epoch -> skip
            :: else -> atomic { client_bell; client_bell = 0 }
            fi;
            client_asleep = 0
        fi
    :: !waiting && serial == N -> break
    od
}

proctype server(byte deaths)
{
    byte head, seen, serial;

    if
    :: deaths > 0 ->
        head = sq_head;
        epoch++;
        RING_AT_START
    :: else
    fi;
    server_asleep = 0;
end:
    do
    :: deaths < DEATHS -> goto dead
    :: head != sq_tail ->
        serial = sq_serial[head % SLOTS];
        seen = sq_epoch[head % SLOTS];
        head++;
        if
        :: seen == MARK(epoch) ->
            if
            :: deaths < DEATHS -> goto dead     /* the request is lost */
            :: skip
            fi;
            cq_serial[cq_tail % SLOTS] = serial;
            cq_tail++;
            if
            :: client_asleep -> client_bell = 1
            :: else
            fi
        :: else                                 /* of another time: ended already */
        fi;
        if
        :: deaths < DEATHS -> goto dead         /* taken, and nobody knows */
        :: skip
        fi;
        sq_head = head
    :: head == sq_tail ->
        server_asleep = 1;
        if
        :: head != sq_tail -> skip
        :: else ->
end_idle:   atomic { server_bell; server_bell = 0 }
        fi;
        server_asleep = 0
    od;
dead:
    run server(deaths + 1)
}

init {
    atomic {
        run client();
        run server(0);
    }
}
