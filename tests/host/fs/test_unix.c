/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/unix/unix_socket.c servers/fs/unix/unix_requests.c
 *        servers/fs/unix/unix_message.c servers/fs/unix/unix_control.c servers/fs/unix/unix_address.c
 *        servers/fs/unix/unix_options.c servers/fs/unix/unix_gc.c servers/fs/eventfd.c
 *        servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* Unix sockets: pairs, connections, datagrams, descriptors in messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stream_fakes.h"
#include "unix/unix.h"

static struct process *p, *q;
static int32_t a, b;

struct iovec { const void *base; uint64_t bytes; };

static error_t pair(uint32_t type)
{
    struct request *r = request_new(p);
    struct fs_socketpair_out out = { 0 };
    error_t error = fs_serve_socketpair(&r->call, &(struct fs_socketpair_in){ AF_UNIX, type, 0 }, &out);

    a = out.fd0;
    b = out.fd1;
    free(r);
    return error;
}

static int32_t sock(struct process *who, uint32_t type)
{
    struct request *r = request_new(who);
    struct fs_socket_out out = { 0 };
    error_t error = fs_serve_socket(&r->call, &(struct fs_socket_in){ AF_UNIX, type, 0 }, &out);

    free(r);
    return error != 0 ? error : (int32_t)out.fd;
}

static uint32_t name_of(uint8_t *name, const char *path)
{
    memset(name, 0, 128);
    name[0] = AF_UNIX;
    if (path[0] == '@') {
        memcpy(name + 3, path + 1, strlen(path) - 1);
        return 2 + (uint32_t)strlen(path);
    }
    memcpy(name + 2, path, strlen(path));
    return 2 + (uint32_t)strlen(path) + 1;
}

static error_t bind_to(struct process *who, int32_t fd, const char *path)
{
    uint8_t name[128];
    uint32_t n = name_of(name, path);
    struct request *r = request_new(who);
    struct fs_bind_out out;
    error_t error = SERVE_SOCKET(bind, &r->call, fd, &out, .address = name, .address_bytes = n);
    free(r);
    return error;
}

static error_t listen_on(struct process *who, int32_t fd, uint32_t backlog)
{
    struct request *r = request_new(who);
    struct fs_listen_out out;
    error_t error = SERVE_SOCKET(listen, &r->call, fd, &out, .backlog = backlog);
    free(r);
    return error;
}

static struct request *start_connect(struct process *who, int32_t fd, const char *path)
{
    uint8_t name[128];
    uint32_t n = name_of(name, path);
    struct request *r = request_new(who);
    struct fs_connect_out out;
    error_t error = SERVE_SOCKET(connect, &r->call, fd, &out, .address = name, .address_bytes = n);
    request_result(r, error, 0);
    return r;
}

static int64_t end(struct request *r)
{
    settle();
    assert_true(r->answered);
    int64_t result = r->error != 0 ? r->error : (int64_t)r->done;
    request_free(r);
    return result;
}

static struct request *start_accept(struct process *who, int32_t fd)
{
    static uint8_t name[128];
    struct request *r = request_new(who);
    struct fs_accept_out out = { 0 };
    error_t error = SERVE_SOCKET(accept, &r->call, fd, &out, .address = { (uint64_t)name, 128, NULL });
    request_result(r, error, (uint64_t)out.fd);
    return r;
}

/* Control data and flags of the last message received. */
static uint8_t control[1024], from[128];
static uint64_t control_bytes, from_bytes;
static uint32_t flags_out;

static struct request *start_send(struct process *who, int32_t fd, const void *data, size_t n, const char *to,
                                  const void *ctl, uint32_t ctl_bytes, uint32_t flags)
{
    uint8_t name[128];
    static struct iovec iov;
    iov = (struct iovec){ data, n };
    struct request *r = request_new(who);
    struct fs_sendmsg_out out = { 0 };
    error_t error = SERVE_SOCKET(sendmsg, &r->call, fd, &out, .flags = flags, .address = name,
                                 .address_bytes = to != NULL ? name_of(name, to) : 0, .iov = (uint64_t)&iov, .iov_count = 1,
                                 .control = (uint64_t)ctl, .control_bytes = ctl_bytes);
    request_result(r, error, out.done);
    return r;
}

static int64_t send_now(struct process *who, int32_t fd, const char *text, const char *to)
{
    return end(start_send(who, fd, text, strlen(text), to, NULL, 0, MSG_DONTWAIT));
}

static struct request *start_receive(struct process *who, int32_t fd, void *data, size_t n, uint32_t flags)
{
    static struct iovec iov;
    iov = (struct iovec){ data, n };
    struct request *r = request_new(who);
    struct fs_recvmsg_out out = { 0 };
    error_t error = SERVE_SOCKET(recvmsg, &r->call, fd, &out, .flags = flags, .iov = (uint64_t)&iov, .iov_count = 1,
                                 .control = (uint64_t)control, .control_bytes = sizeof(control),
                                 .address = { (uint64_t)from, sizeof(from), NULL });
    request_result(r, error, out.done);
    r->extra[0] = out.address_done;
    r->extra[1] = out.control_done;
    r->extra[2] = out.flags_out;
    return r;
}

static int64_t receive_now(struct process *who, int32_t fd, void *data, size_t n, uint32_t flags)
{
    struct request *r = start_receive(who, fd, data, n, flags);
    settle();
    from_bytes = r->extra[0];
    control_bytes = r->extra[1];
    flags_out = (uint32_t)r->extra[2];
    return end(r);
}

struct rights { uint64_t bytes; int32_t level, type; int32_t fd[2]; };

static int64_t send_fd(int32_t socket, int32_t fd)
{
    struct rights rights = { 20, 1, 1, { fd } };
    return end(start_send(p, socket, "x", 1, NULL, &rights, sizeof(rights), MSG_DONTWAIT));
}

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
    assert_int_equal(unix_in_flight(), 0);
    assert_null(unix_sockets);
    return 0;
}

static uint32_t level(struct process *who, int32_t fd) { return file_poll(fd_lookup(who, fd), NULL); }

/* ---- streams ---- */

static void a_stream_runs_bytes_together(void **state)
{
    char got[16] = { 0 };
    (void)state;
    assert_int_equal(pair(SOCK_STREAM), 0);
    assert_int_equal(now_write(p, a, "abc", 3), 3);
    assert_int_equal(now_write(p, a, "def", 3), 3);
    assert_int_equal(now_read(p, b, got, 5), 5);
    assert_string_equal(got, "abcde");
    assert_int_equal(now_read(p, b, got, 16), 1);
}

static void a_large_write_waits_for_its_reader(void **state)
{
    static uint8_t many[700000], got[700000];
    size_t done = 0;
    (void)state;
    pair(SOCK_STREAM);
    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = (uint8_t)(i >> 5);
    struct request *w = start_write(p, a, many, sizeof(many));
    assert_false(w->answered);
    while (done < sizeof(many)) {
        int64_t n = now_read(p, b, got + done, 10001);
        assert_true(n > 0);
        done += (size_t)n;
    }
    assert_int_equal(end(w), sizeof(many));
    assert_memory_equal(many, got, sizeof(many));
}

static void the_end_of_one_side_is_end_of_file_and_broken_pipe(void **state)
{
    char got[4];
    (void)state;
    pair(SOCK_STREAM);
    now_write(p, a, "abc", 3);
    fd_close(p, a);
    assert_int_equal(level(p, b) & (FS_POLLIN | FS_POLLHUP), FS_POLLIN | FS_POLLHUP);
    assert_int_equal(now_read(p, b, got, 4), 3);
    assert_int_equal(now_read(p, b, got, 4), 0);
    assert_int_equal(now_write(p, b, "x", 1), ERR_BROKEN_PIPE);
}

static void unread_data_resets_the_connection(void **state)
{
    char c;
    (void)state;
    pair(SOCK_STREAM);
    now_write(p, a, "abc", 3);
    fd_close(p, b);
    assert_int_equal(now_read(p, a, &c, 1), ERR_CONN_RESET);
    assert_int_equal(now_read(p, a, &c, 1), 0);
}

static void a_waiting_reader_sees_the_end(void **state)
{
    char c;
    (void)state;
    pair(SOCK_STREAM);
    struct request *r = start_read(p, b, &c, 1);
    fd_close(p, a);
    assert_int_equal(end(r), 0);
}

static void peek_leaves_the_data(void **state)
{
    char got[4] = { 0 };
    (void)state;
    pair(SOCK_STREAM);
    now_write(p, a, "abc", 3);
    assert_int_equal(receive_now(p, b, got, 2, MSG_PEEK), 2);
    assert_int_equal(receive_now(p, b, got, 4, 0), 3);
    assert_int_equal(receive_now(p, b, got, 4, MSG_DONTWAIT), ERR_WOULD_BLOCK);
}

static void waitall_waits_for_all(void **state)
{
    char got[6] = { 0 };
    (void)state;
    pair(SOCK_STREAM);
    now_write(p, a, "ab", 2);
    struct request *r = start_receive(p, b, got, 5, MSG_WAITALL);
    assert_false(r->answered);
    now_write(p, a, "cdef", 4);
    assert_int_equal(end(r), 5);
    assert_string_equal(got, "abcde");
}

static void shutdown_ends_one_direction(void **state)
{
    char c;
    struct fs_shutdown_out out;
    (void)state;
    pair(SOCK_STREAM);
    struct request *r = request_new(p);
    assert_int_equal(SERVE_SOCKET(shutdown, &r->call, a, &out, .how = 1), 0);
    free(r);
    assert_int_equal(now_write(p, a, "x", 1), ERR_BROKEN_PIPE);
    assert_int_equal(now_read(p, b, &c, 1), 0);
    assert_int_equal(now_write(p, b, "y", 1), 1);
    assert_int_equal(now_read(p, a, &c, 1), 1);
    assert_true(level(p, b) & FS_POLLRDHUP);
}

/* ---- connections ---- */

static void a_client_connects_and_is_accepted(void **state)
{
    char got[8] = { 0 };
    (void)state;
    int32_t l = sock(p, SOCK_STREAM), c = sock(q, SOCK_STREAM);
    assert_int_equal(end(start_connect(q, c, "/s")), ERR_NOT_FOUND);
    assert_int_equal(bind_to(p, l, "/s"), 0);
    assert_int_equal(end(start_connect(q, c, "/s")), ERR_CONN_REFUSED);
    assert_int_equal(listen_on(p, l, 5), 0);
    assert_int_equal(end(start_connect(q, c, "/s")), 0);
    assert_int_equal(end(start_connect(q, c, "/s")), ERR_IS_CONNECTED);
    assert_int_equal(now_write(q, c, "hello", 5), 5);       /* before accept */
    assert_true(level(p, l) & FS_POLLIN);
    int32_t s = (int32_t)end(start_accept(p, l));
    assert_true(s >= 0);
    assert_int_equal(now_read(p, s, got, 8), 5);
    assert_int_equal(now_write(p, s, "hi", 2), 2);
    assert_int_equal(now_read(q, c, got, 8), 2);

    struct unix_cred cred;
    struct fs_getsockopt_out out;
    struct request *r = request_new(p);
    assert_int_equal(SERVE_SOCKET(getsockopt, &r->call, s, &out, .level = 1, .name = 17, .value = { (uint64_t)&cred, 12, NULL }), 0);
    assert_int_equal(cred.pid, 21);
    free(r);
}

static void accept_waits_for_a_client(void **state)
{
    (void)state;
    int32_t l = sock(p, SOCK_STREAM), c = sock(q, SOCK_STREAM);
    bind_to(p, l, "@name");
    listen_on(p, l, 1);
    struct request *r = start_accept(p, l);
    assert_false(r->answered);
    assert_int_equal(end(start_connect(q, c, "@name")), 0);
    assert_true(end(r) >= 0);
}

static void a_full_backlog_makes_connect_wait(void **state)
{
    (void)state;
    int32_t l = sock(p, SOCK_STREAM), c1 = sock(q, SOCK_STREAM), c2 = sock(q, SOCK_STREAM);
    bind_to(p, l, "@busy");
    listen_on(p, l, 0);
    assert_int_equal(end(start_connect(q, c1, "@busy")), 0);
    struct request *r = start_connect(q, c2, "@busy");
    assert_false(r->answered);
    assert_true(end(start_accept(p, l)) >= 0);
    assert_int_equal(end(r), 0);
}

static void closing_the_listener_refuses_who_waits(void **state)
{
    char c;
    (void)state;
    int32_t l = sock(p, SOCK_STREAM), c1 = sock(q, SOCK_STREAM), c2 = sock(q, SOCK_STREAM);
    bind_to(p, l, "@gone");
    listen_on(p, l, 0);
    assert_int_equal(end(start_connect(q, c1, "@gone")), 0);
    struct request *r = start_connect(q, c2, "@gone");
    fd_close(p, l);
    assert_int_equal(end(r), ERR_CONN_REFUSED);
    assert_int_equal(now_read(q, c1, &c, 1), ERR_CONN_RESET);
}

static void names_are_unique_while_bound(void **state)
{
    (void)state;
    int32_t x = sock(p, SOCK_STREAM), y = sock(p, SOCK_STREAM);
    assert_int_equal(bind_to(p, x, "/n"), 0);
    assert_int_equal(bind_to(p, x, "/m"), ERR_INVALID_ARGUMENT);
    assert_int_equal(bind_to(p, y, "/n"), ERR_ADDRESS_IN_USE);
    assert_int_equal(bind_to(p, y, "@n"), 0);
    fd_close(p, y);
    y = sock(p, SOCK_STREAM);
    assert_int_equal(bind_to(p, y, "@n"), 0);
}

static void other_families_are_refused(void **state)
{
    struct request *r = request_new(p);
    struct fs_socket_out out;
    (void)state;
    assert_int_equal(fs_serve_socket(&r->call, &(struct fs_socket_in){ 2, SOCK_STREAM, 0 }, &out), ERR_ADDRESS_FAMILY);
    assert_int_equal(fs_serve_socket(&r->call, &(struct fs_socket_in){ 1, 7, 0 }, &out), ERR_SOCKET_TYPE);
    assert_int_equal(fs_serve_socket(&r->call, &(struct fs_socket_in){ 1, SOCK_STREAM, 9 }, &out), ERR_PROTOCOL);
    free(r);
}

/* ---- datagrams and packets ---- */

static void datagrams_keep_their_bounds(void **state)
{
    char got[8] = { 0 };
    (void)state;
    int32_t r = sock(p, SOCK_DGRAM), s = sock(q, SOCK_DGRAM);
    bind_to(p, r, "/d");
    bind_to(q, s, "/e");
    assert_int_equal(send_now(q, s, "one", "/d"), 3);
    assert_int_equal(send_now(q, s, "twotwo", "/d"), 6);
    assert_int_equal(receive_now(p, r, got, 8, 0), 3);
    assert_int_equal(from_bytes, 5);
    assert_string_equal((char *)from + 2, "/e");
    assert_int_equal(receive_now(p, r, got, 2, MSG_TRUNC), 6);
    assert_true(flags_out & MSG_TRUNC);
    assert_int_equal(send_now(q, s, "x", NULL), ERR_NOT_CONNECTED);
    assert_int_equal(send_now(q, s, "x", "/nowhere"), ERR_NOT_FOUND);
}

static void a_connected_datagram_socket_has_one_peer(void **state)
{
    (void)state;
    int32_t r = sock(p, SOCK_DGRAM), s = sock(q, SOCK_DGRAM), t = sock(q, SOCK_DGRAM);
    bind_to(p, r, "/d");
    bind_to(q, s, "/e");
    assert_int_equal(end(start_connect(q, s, "/d")), 0);
    assert_int_equal(end(start_connect(p, r, "/e")), 0);
    assert_int_equal(send_now(q, s, "x", NULL), 1);
    assert_int_equal(send_now(q, t, "x", "/d"), ERR_PERMISSION);
    fd_close(p, r);
    assert_int_equal(send_now(q, s, "x", NULL), ERR_CONN_REFUSED);
}

static void a_full_datagram_queue_makes_senders_wait(void **state)
{
    static char big[60000], got[60000];
    struct request *last = NULL;
    int sent = 0;
    (void)state;
    int32_t r = sock(p, SOCK_DGRAM), s = sock(q, SOCK_DGRAM);
    bind_to(p, r, "/d");
    for (;; sent++) {
        last = start_send(q, s, big, sizeof(big), "/d", NULL, 0, 0);
        if (!last->answered)
            break;
        assert_int_equal(end(last), sizeof(big));
    }
    assert_in_range(sent, 1, 10);
    assert_int_equal(receive_now(p, r, got, sizeof(got), 0), sizeof(big));
    assert_int_equal(end(last), sizeof(big));
    while (sent-- > 0)
        assert_int_equal(receive_now(p, r, got, sizeof(got), 0), sizeof(big));
}

static void packets_keep_bounds_and_know_the_end(void **state)
{
    char got[8];
    (void)state;
    assert_int_equal(pair(SOCK_SEQPACKET), 0);
    now_write(p, a, "ab", 2);
    now_write(p, a, "cd", 2);
    assert_int_equal(now_read(p, b, got, 8), 2);
    assert_int_equal(now_read(p, b, got, 8), 2);
    fd_close(p, a);
    assert_int_equal(now_read(p, b, got, 8), 0);
}

/* ---- descriptors in messages ---- */

static void a_descriptor_travels(void **state)
{
    char c;
    int32_t fd;
    (void)state;
    pair(SOCK_STREAM);
    int32_t a2 = a, b2 = b;
    pair(SOCK_STREAM);
    assert_int_equal(send_fd(a2, a), 1);
    fd_close(p, a);
    assert_int_equal(receive_now(p, b2, &c, 1, 0), 1);
    assert_int_equal(control_bytes, 24);
    memcpy(&fd, control + 16, 4);
    assert_int_equal(now_write(p, fd, "z", 1), 1);
    assert_int_equal(now_read(p, b, &c, 1), 1);
}

static void a_plain_read_drops_descriptors(void **state)
{
    char c;
    (void)state;
    pair(SOCK_STREAM);
    int32_t a2 = a, b2 = b;
    pair(SOCK_STREAM);
    send_fd(a2, a);
    fd_close(p, a);
    assert_int_equal(now_read(p, b2, &c, 1), 1);
    assert_int_equal(now_read(p, b, &c, 1), 0);     /* its peer went with the message */
}

static void bytes_stop_at_a_descriptor(void **state)
{
    char got[8];
    (void)state;
    pair(SOCK_STREAM);
    now_write(p, a, "ab", 2);
    send_fd(a, b);
    now_write(p, a, "cd", 2);
    assert_int_equal(receive_now(p, b, got, 8, 0), 2);
    assert_int_equal(control_bytes, 0);
    assert_int_equal(receive_now(p, b, got, 8, 0), 1);
    assert_int_equal(control_bytes, 24);
    assert_int_equal(receive_now(p, b, got, 8, 0), 2);
}

static void bad_control_data_is_refused(void **state)
{
    struct rights bad_fd = { 20, 1, 1, { 999 } }, bad_length = { 1000, 1, 1, { 0 } };
    struct { uint64_t n; int32_t l, t; struct unix_cred c; } liar = { 28, 1, 2, { 1, 0, 0 } };
    (void)state;
    pair(SOCK_STREAM);
    assert_int_equal(end(start_send(p, a, "x", 1, NULL, &bad_fd, 24, 0)), ERR_BAD_HANDLE);
    assert_int_equal(end(start_send(p, a, "x", 1, NULL, &bad_length, 24, 0)), ERR_INVALID_ARGUMENT);
    ((struct proc_page *)p->page)->cap_effective = 0;
    assert_int_equal(end(start_send(p, a, "x", 1, NULL, &liar, sizeof(liar), 0)), ERR_PERMISSION);
}

static void passcred_tells_the_sender(void **state)
{
    int32_t one = 1;
    char c;
    struct fs_setsockopt_out out;
    struct unix_cred cred;
    (void)state;
    pair(SOCK_STREAM);
    struct request *r = request_new(p);
    assert_int_equal(SERVE_SOCKET(setsockopt, &r->call, b, &out, .level = 1, .name = 16, .value = (uint8_t *)&one, .value_bytes = 4), 0);
    free(r);
    now_write(p, a, "x", 1);
    assert_int_equal(receive_now(p, b, &c, 1, 0), 1);
    assert_int_equal(control_bytes, 32);
    memcpy(&cred, control + 16, sizeof(cred));
    assert_int_equal(cred.pid, 20);
}

static void sockets_in_each_others_queues_are_collected(void **state)
{
    (void)state;
    int before = nr_live_files;
    pair(SOCK_STREAM);
    send_fd(a, a);
    send_fd(a, b);
    send_fd(b, a);
    fd_close(p, a);
    fd_close(p, b);
    settle();
    assert_int_equal(nr_live_files, before);
    assert_int_equal(unix_in_flight(), 0);
}

static void a_listener_in_the_hands_of_its_own_client_is_collected(void **state)
{
    (void)state;
    int before = nr_live_files;
    int32_t l = sock(p, SOCK_STREAM), c = sock(p, SOCK_STREAM);
    bind_to(p, l, "@self");
    listen_on(p, l, 5);
    assert_int_equal(end(start_connect(p, c, "@self")), 0);
    assert_int_equal(send_fd(c, l), 1);
    assert_int_equal(send_fd(c, c), 1);
    fd_close(p, l);
    fd_close(p, c);
    settle();
    assert_int_equal(nr_live_files, before);
}

static void a_socket_that_can_still_be_received_is_kept(void **state)
{
    char c;
    int32_t fd;
    (void)state;
    pair(SOCK_STREAM);
    int32_t a2 = a, b2 = b;
    pair(SOCK_STREAM);
    send_fd(a, b);          /* b lies in its own queue */
    send_fd(a2, b);         /* and where somebody can get it */
    fd_close(p, b);
    fd_close(p, a);
    settle();
    assert_int_equal(receive_now(p, b2, &c, 1, 0), 1);
    memcpy(&fd, control + 16, 4);
    assert_int_equal(receive_now(p, fd, &c, 1, 0), 1);
    assert_int_equal(control_bytes, 24);
}

static void a_long_chain_of_sockets_is_freed_without_depth(void **state)
{
    int before = nr_live_files;
    (void)state;
    pair(SOCK_DGRAM);
    for (int i = 0; i < 3000; i++) {
        int32_t old_a = a, old_b = b;
        pair(SOCK_DGRAM);
        assert_int_equal(send_fd(a, old_b), 1);     /* into b's queue */
        fd_close(p, old_a);
        fd_close(p, old_b);
    }
    fd_close(p, a);
    fd_close(p, b);
    settle();
    assert_int_equal(nr_live_files, before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_stream_runs_bytes_together), T(a_large_write_waits_for_its_reader),
        T(the_end_of_one_side_is_end_of_file_and_broken_pipe), T(unread_data_resets_the_connection),
        T(a_waiting_reader_sees_the_end), T(peek_leaves_the_data), T(waitall_waits_for_all),
        T(shutdown_ends_one_direction), T(a_client_connects_and_is_accepted), T(accept_waits_for_a_client),
        T(a_full_backlog_makes_connect_wait), T(closing_the_listener_refuses_who_waits),
        T(names_are_unique_while_bound), T(other_families_are_refused), T(datagrams_keep_their_bounds),
        T(a_connected_datagram_socket_has_one_peer), T(a_full_datagram_queue_makes_senders_wait),
        T(packets_keep_bounds_and_know_the_end), T(a_descriptor_travels), T(a_plain_read_drops_descriptors),
        T(bytes_stop_at_a_descriptor), T(bad_control_data_is_refused), T(passcred_tells_the_sender),
        T(sockets_in_each_others_queues_are_collected), T(a_socket_that_can_still_be_received_is_kept),
        T(a_listener_in_the_hands_of_its_own_client_is_collected),
        T(a_long_chain_of_sockets_is_freed_without_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
