/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/poll.c servers/fs/epoll.c servers/fs/eventfd.c
 *        servers/fs/unix/unix_socket.c servers/fs/unix/unix_requests.c servers/fs/unix/unix_message.c
 *        servers/fs/unix/unix_control.c servers/fs/unix/unix_address.c servers/fs/unix/unix_options.c
 *        servers/fs/unix/unix_gc.c servers/fs/pipe.c servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* Leased answers of epoll_wait: while the descriptor's number stays, fs would answer the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lease.h"
#include "pipe.h"
#include "stream_fakes.h"

#define EPOLLET      (1u << 31)
#define EPOLLONESHOT (1u << 30)
#define ADD 1u
#define DEL 2u
#define MOD 3u
#define MAX FS_EPOLL_LEASE_MAX

/* The holder, and another process with descriptors of the same open files. */
static struct process *p, *q;

struct answer { uint32_t count, lease; struct fs_epoll_event event[64]; };

static int setup(void **state)
{
    (void)state;
    p = fake_process(20, 20, 20, 20);
    q = fake_process(21, 21, 21, 21);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fakes_reset();
    return 0;
}

static int32_t share(int32_t fd)
{
    uint32_t there;

    assert_int_equal(fd_install(q, file_get(fd_lookup(p, fd)), 0, &there), 0);
    return (int32_t)there;
}

static void pipe_new(int32_t fd[2])
{
    struct request *r = request_new(p);
    struct fs_pipe_out out;

    assert_int_equal(fs_serve_pipe(&r->call, &(struct fs_pipe_in){ O_NONBLOCK }, &out), 0);
    fd[0] = out.read_fd, fd[1] = out.write_fd;
    free(r);
}

static int32_t eventfd_new(uint32_t initial)
{
    struct request *r = request_new(p);
    struct fs_eventfd_out out = { 0 };

    assert_int_equal(fs_serve_eventfd(&r->call, &(struct fs_eventfd_in){ initial, O_NONBLOCK }, &out), 0);
    free(r);
    return out.fd;
}

enum { STREAM = 1, DGRAM = 2, SEQPACKET = 5 };

static void pair_new(uint32_t type, int32_t fd[2])
{
    struct request *r = request_new(p);
    struct fs_socketpair_out out = { 0 };

    assert_int_equal(fs_serve_socketpair(&r->call, &(struct fs_socketpair_in){ 1, type | O_NONBLOCK, 0 }, &out), 0);
    fd[0] = out.fd0, fd[1] = out.fd1;
    free(r);
}

static void set_send_buffer(struct process *who, int32_t fd, uint32_t bytes)
{
    struct request *r = request_new(who);
    struct fs_setsockopt_out out;

    assert_int_equal(SERVE_SOCKET(setsockopt, &r->call, fd, &out, .level = 1, .name = 7, .value = (const void *)&bytes,
                                  .value_bytes = sizeof bytes), 0);
    free(r);
}

static int32_t epoll_new(void)
{
    struct request *r = request_new(p);
    struct fs_epoll_create_out out = { 0 };

    assert_int_equal(fs_serve_epoll_create(&r->call, &(struct fs_epoll_create_in){ 0 }, &out), 0);
    free(r);
    return out.fd;
}

static error_t ctl(int32_t ep, uint32_t op, int32_t fd, uint32_t events)
{
    struct request *r = request_new(p);
    error_t e = serve_epoll_ctl(&r->call, ep, op, fd, events, (uint64_t)fd);

    free(r);
    return e;
}

static struct answer ask(struct process *who, int32_t ep, uint32_t max)
{
    struct request *r = request_new(who);
    struct answer a = { 0 };
    struct fs_epoll_wait_out out = { 0 };

    settle();
    assert_int_equal(SERVE(epoll_wait, file, epfd, FS_FILE_USE, &r->call, ep, &out, .max = max,
                           .events = { (uint64_t)a.event, sizeof a.event, NULL }), 0);
    a.count = out.count, a.lease = out.lease;
    free(r);
    return a;
}

static bool holds(int32_t ep, const struct answer *a)
{
    return a->lease != 0 && p->fd_words[ep].seq == a->lease;
}

/* Asks until it gets a lease, at most twice. */
static struct answer leased(int32_t ep)
{
    struct answer a = ask(p, ep, MAX);

    return a.lease ? a : ask(p, ep, MAX);
}

static void one_byte(struct process *who, int32_t fd) { assert_int_equal(now_write(who, fd, "x", 1), 1); }

static int64_t drain(struct process *who, int32_t fd)
{
    static char all[1 << 17];
    return now_read(who, fd, all, sizeof all);
}

static void becoming_ready_and_unready_break_the_lease(void **state)
{
    int32_t a[2], b[2], ep = epoll_new();
    struct answer kept;

    (void)state;
    pipe_new(a), pipe_new(b);
    int32_t a0 = share(a[0]), a1 = share(a[1]);
    assert_int_equal(ctl(ep, ADD, a[0], FS_POLLIN), 0);
    assert_int_equal(ctl(ep, ADD, b[0], FS_POLLIN), 0);
    kept = leased(ep);                      /* nothing is ready: that too */
    assert_true(holds(ep, &kept) && kept.count == 0);
    one_byte(q, a1);
    assert_false(holds(ep, &kept));
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 1 && kept.event[0].data == (uint64_t)a[0]);
    one_byte(p, b[1]);                      /* another one */
    assert_false(holds(ep, &kept));
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 2);
    assert_int_equal(drain(q, a0), 1);
    assert_false(holds(ep, &kept));
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 1 && kept.event[0].data == (uint64_t)b[0]);
    fd_close(p, b[1]);                      /* IN becomes IN | HUP */
    assert_false(holds(ep, &kept));
    kept = leased(ep);
    assert_int_equal(kept.event[0].events, FS_POLLIN | FS_POLLHUP);
    fd_close(p, b[0]);                      /* a watched file is gone */
    assert_false(holds(ep, &kept));
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 0);
}

static void writers_room_falls_and_comes_back(void **state)
{
    static const char full[65536];
    int32_t a[2], ep = epoll_new();
    struct answer kept;

    (void)state;
    pipe_new(a);
    int32_t a1 = share(a[1]), a0 = share(a[0]);
    assert_int_equal(ctl(ep, ADD, a[1], FS_POLLOUT), 0);
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 1);
    assert_int_equal(now_write(q, a1, full, sizeof full), sizeof full);
    assert_false(holds(ep, &kept));
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 0);
    drain(q, a0);
    assert_false(holds(ep, &kept));
}

static void what_is_no_pure_function_is_not_leased(void **state)
{
    int32_t a[2], b[2], ep = epoll_new(), outer = epoll_new();

    (void)state;
    pipe_new(a), pipe_new(b);
    one_byte(p, a[1]), one_byte(p, b[1]);
    assert_int_equal(ctl(ep, ADD, a[0], FS_POLLIN), 0);
    assert_int_equal(ctl(ep, ADD, b[0], FS_POLLIN), 0);
    for (int i = 0; i < 4; i++)             /* they take turns */
        assert_int_equal(ask(p, ep, 1).lease, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(p, ep, MAX + 1).lease, 0);
    assert_int_equal(ctl(outer, ADD, ep, FS_POLLIN), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(p, outer, MAX).lease, 0);
    assert_int_equal(ctl(ep, MOD, b[0], FS_POLLIN | EPOLLET), 0);
    struct answer kept = ask(p, ep, MAX);
    assert_true(kept.count == 2 && kept.lease == 0);
    kept = leased(ep);                      /* the edge is consumed, the level stays */
    assert_true(holds(ep, &kept) && kept.count == 1);
    assert_int_equal(ctl(ep, MOD, a[0], FS_POLLIN | EPOLLONESHOT), 0);
    assert_false(holds(ep, &kept));
    kept = ask(p, ep, MAX);
    assert_true(kept.count == 1 && kept.lease == 0);
    kept = leased(ep);
    assert_true(holds(ep, &kept) && kept.count == 0);
}

static void the_first_answer_after_a_change_is_not_leased(void **state)
{
    int32_t a[2], ep = epoll_new();

    (void)state;
    pipe_new(a);
    assert_int_equal(ctl(ep, ADD, a[0], FS_POLLIN), 0);
    for (int i = 0; i < 5; i++) {
        one_byte(p, a[1]);
        assert_int_equal(ask(p, ep, MAX).lease, 0);
    }
    assert_true(ask(p, ep, MAX).lease != 0);
}

static void another_process_that_asks_takes_the_lease_over(void **state)
{
    int32_t a[2], ep = epoll_new();

    (void)state;
    pipe_new(a);
    assert_int_equal(ctl(ep, ADD, a[0], FS_POLLIN), 0);
    one_byte(p, a[1]);
    int32_t there = share(ep);
    struct answer mine = leased(ep), its = ask(q, there, MAX);
    assert_true(its.lease != 0 && q->fd_words[there].seq == its.lease);
    assert_false(holds(ep, &mine));
    drain(p, a[0]);
    assert_true(q->fd_words[there].seq != its.lease);
}

static void sockets_announce_every_fall(void **state)
{
    static const uint32_t types[] = { STREAM, DGRAM, SEQPACKET };
    static const char large[150000];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        int32_t s[2], ep = epoll_new();
        struct answer kept;

        pair_new(types[i], s);
        int32_t s0 = share(s[0]), s1 = share(s[1]);
        assert_int_equal(ctl(ep, ADD, s[0], FS_POLLIN | FS_POLLOUT), 0);
        kept = leased(ep);
        assert_true(holds(ep, &kept) && kept.event[0].events == FS_POLLOUT);
        one_byte(q, s1);                                    /* IN comes */
        assert_false(holds(ep, &kept));
        kept = leased(ep);
        assert_true(holds(ep, &kept) && kept.event[0].events == (FS_POLLIN | FS_POLLOUT));
        assert_int_equal(drain(q, s0), 1);                  /* IN goes */
        assert_false(holds(ep, &kept));
        kept = leased(ep);
        assert_int_equal(kept.event[0].events, FS_POLLOUT);
        set_send_buffer(q, s0, 50000);
        kept = leased(ep);
        assert_true(holds(ep, &kept) && kept.event[0].events == FS_POLLOUT);
        if (types[i] == STREAM)
            assert_int_equal(now_write(q, s0, large, 60000), 60000);
        else
            for (int n = 0; n < 256; n++)                   /* as many as a queue takes */
                one_byte(q, s0);
        assert_false(holds(ep, &kept));                     /* OUT went */
        kept = leased(ep);
        assert_int_equal(kept.count, 0);
        while (drain(q, s1) > 0)
            continue;
        assert_false(holds(ep, &kept));                     /* and came back */
        kept = leased(ep);
        assert_int_equal(kept.event[0].events, FS_POLLOUT);
        fd_close(p, s[1]), fd_close(q, s1);                 /* the other end is gone */
        if (types[i] != DGRAM)
            assert_false(holds(ep, &kept));
        fd_close(p, s[0]), fd_close(q, s0), fd_close(p, ep);
    }
}

/* Random requests of two processes; after each, a lease that holds must tell the truth. */
enum { PIPES = 3, EVENTS = 2, SOCKETS = 3, FIRST_EVENT = 2 * PIPES, FIRST_SOCKET = FIRST_EVENT + EVENTS,
       FDS = FIRST_SOCKET + 2 * SOCKETS };

static void random_step(int32_t ep, const int32_t *fd, const int32_t *there)
{
    static const uint32_t interest[] = { FS_POLLIN, FS_POLLOUT, FS_POLLIN | FS_POLLOUT, 0, FS_POLLIN | EPOLLET,
                                         FS_POLLIN | FS_POLLOUT | EPOLLONESHOT };
    static const char big[70000];
    bool by_q = rand() & 1;
    struct process *who = by_q ? q : p;
    unsigned k = (unsigned)rand() % FDS;
    int32_t at = by_q ? there[k] : fd[k];
    uint64_t value = rand() % 8 ? (uint64_t)(rand() % 3) : 0xfffffffffffffffdul;
    uint64_t result;

    bool socket = k >= FIRST_SOCKET;

    switch (rand() % 12) {
    case 0: case 1: ctl(ep, ADD, fd[k], interest[rand() % 6]); break;
    case 2: ctl(ep, MOD, fd[k], interest[rand() % 6]); break;
    case 3: if (rand() % 4 == 0) ctl(ep, DEL, fd[k], 0); break;
    case 4: ask(p, ep, 1 + (uint32_t)rand() % 3); break;
    case 5:
        if (socket)
            set_send_buffer(who, at, 4608u << rand() % 6);
        else if (k < FIRST_EVENT)
            (void)fd_lookup(who, at)->ops->fcntl(fd_lookup(who, at), who, 1031, 4096ul << rand() % 5, &result);
        break;
    case 6: case 7: case 8:
        if (k >= FIRST_EVENT && !socket)
            (void)now_write(who, at, &value, 8);
        else if (k & 1 || socket)
            (void)now_write(who, at, big, 1 + (size_t)rand() % sizeof big);
        break;
    default:
        if (k >= FIRST_EVENT && !socket)
            (void)now_read(who, at, &value, 8);
        else if (!(k & 1) || socket)
            (void)(rand() & 1 ? drain(who, at) : now_read(who, at, &value, 8));
        else if (rand() % 4 == 0) {
            uint64_t done;
            (void)pipe_tee(fd_lookup(who, by_q ? there[0] : fd[0]), fd_lookup(who, at), 1 + (uint64_t)rand() % 5000, &done);
        }
    }
}

static void a_lease_that_holds_is_true(void **state)
{
    int32_t fd[FDS], there[FDS], ep = epoll_new();
    unsigned checked = 0, broken = 0;

    (void)state;
    srand(1);
    for (unsigned i = 0; i < PIPES; i++)
        pipe_new(&fd[2 * i]);
    for (unsigned i = 0; i < EVENTS; i++)
        fd[FIRST_EVENT + i] = eventfd_new(i);
    for (unsigned i = 0; i < SOCKETS; i++)
        pair_new((const uint32_t[]){ STREAM, DGRAM, SEQPACKET }[i], &fd[FIRST_SOCKET + 2 * i]);
    for (unsigned i = 0; i < FDS; i++)
        there[i] = share(fd[i]);
    struct answer kept = { 0 };
    for (unsigned i = 0; i < 60000; i++) {
        random_step(ep, fd, there);
        settle();
        if (kept.lease && !holds(ep, &kept))
            broken++;
        if (holds(ep, &kept)) {
            struct answer now = ask(p, ep, MAX);
            assert_int_equal(now.count, kept.count);
            for (unsigned k = 0; k < now.count; k++) {
                unsigned j = 0;
                while (j < kept.count && memcmp(&now.event[k], &kept.event[j], sizeof now.event[0]) != 0)
                    j++;
                assert_true(j < kept.count);
            }
            checked++;
        }
        kept = leased(ep);
    }
    assert_true(checked > 5000 && broken > 5000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(becoming_ready_and_unready_break_the_lease),
        T(writers_room_falls_and_comes_back),
        T(what_is_no_pure_function_is_not_leased),
        T(the_first_answer_after_a_change_is_not_leased),
        T(another_process_that_asks_takes_the_lease_over),
        T(sockets_announce_every_fall),
        T(a_lease_that_holds_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
