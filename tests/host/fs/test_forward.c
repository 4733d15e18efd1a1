/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/forward.c servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* Requests of programs on their way to a component and back. The component is the test: it takes entries and answers
 * when it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <libipc/device.h>
#include <libipc/executor.h>

#include "forward.h"
#include "stream_fakes.h"

enum { NODE = FIRST_OTHER_SERVER, HASH = 0x1234, METHOD = 3, MAJOR = 240 };

static special_open_fn open_node;
static struct rpc_client *client;           /* fs's, of the component           */
static uint8_t arena[ARENA_SLOTS][ARENA_SLOT_BYTES];
static struct rpc_request *asked;           /* the last                         */
static unsigned nr_asked, nr_cancels, nr_own, entries;
static bool closed;
static struct process *p;
static int32_t fd;
static struct device_message m;

/* ---- fs's session with the component ---- */

static void own_completed(struct rpc_client *c, struct rpc_request *r) { (void)c, (void)r; nr_own++; }
const struct rpc_env coro_rpc_env = { .completed = own_completed };

error_t rpc_client_init(struct rpc_client *c, struct session *session, const struct rpc_env *env, cptr_t doorbell, cptr_t own,
                        uint64_t layout_hash)
{
    (void)session, (void)doorbell, (void)own;
    assert_int_equal(layout_hash, HASH);
    c->env = env;
    client = c;
    return 0;
}

void exec_add_client(struct rpc_client *c) { assert_ptr_equal(c, client); }
bool rpc_may_begin(struct rpc_client *c) { (void)c; return !closed; }
uint32_t rpc_free_entries(struct rpc_client *c) { (void)c; return entries; }

struct rpc_request *rpc_begin_with(struct rpc_client *c, uint16_t method, unsigned flags)
{
    assert_int_equal(flags, RPC_NEED_ARENA);
    for (unsigned i = 0; i < ARENA_SLOTS; i++) {
        if (c->request[i].in_use)
            continue;
        c->request[i] = (struct rpc_request){ .method = method, .in_use = 1, .arena = arena[i] };
        return &c->request[i];
    }
    fail();
    return NULL;
}

static void take_entry(void)
{
    assert_true(entries > 0);
    entries--;
}

void rpc_submit(struct rpc_client *c, struct rpc_request *r)
{
    (void)c;
    take_entry();
    asked = r;
    nr_asked++;
}

void rpc_cancel(struct rpc_client *c, struct rpc_request *r)
{
    (void)c;
    assert_true(r->in_use);
    take_entry();
    nr_cancels++;
}

void rpc_end(struct rpc_client *c, struct rpc_request *r)
{
    (void)c;
    r->in_use = 0;
}

static void answer(struct rpc_request *r, error_t error, const char *text)
{
    r->error = error;
    r->word[0] = 77;
    r->result_bytes = (uint32_t)strlen(text);
    memcpy(r->arena, text, strlen(text));
    client->env->completed(client, r);
    assert_false(r->in_use);
    settle();
}

/* ---- the program's side ---- */

error_t vfs_register_char(uint32_t major, uint32_t first, uint32_t count, special_open_fn fn)
{
    assert_true(major == MAJOR && first == 0 && count == NR_SERVERS);
    open_node = fn;
    return 0;
}

static error_t open_minor(uint32_t minor, int32_t *out)
{
    struct inode inode = { .rdev = FS_MAKEDEV(MAJOR, minor) };
    struct file *f;
    error_t e = file_new(NULL, O_RDWR, 0, &f);

    if (!e)
        e = open_node(&inode, f, p);
    if (e)
        file_put(f);
    return e ? e : fd_install(p, f, 0, (uint32_t *)out);
}

static void be_user(uint32_t uid)
{
    ((struct proc_page *)p->page)->euid = uid;
}

static struct device_message message(const char *text)
{
    struct device_message out = { .layout_hash = HASH, .method = METHOD, .word = { 5 } };

    memcpy(out.arena, text, strlen(text));
    return out;
}

static struct request *start_call(void)
{
    m = message("question");
    return start_ioctl(p, fd, DEVICE_CALL, (uint64_t)&m);
}

static void cancel(struct request *r)
{
    r->call.cancelled = true;
    r->call.on_cancel(&r->call);
}

static uint32_t level(void)
{
    struct file *f = fd_lookup(p, fd);

    return f->ops->poll(f, NULL);
}

static int start(void **state)
{
    static struct server_info info = { .peer[NODE] = { .name = "kv", .node = "kv", .node_mode = 0666, .layout_hash = HASH } };

    (void)state;
    return forward_start(&info);
}

static int setup(void **state)
{
    (void)state;
    asked = NULL;
    nr_asked = nr_cancels = 0;
    entries = SQ_ENTRIES;
    closed = false;
    p = fake_process(20, 77, 77, 77);
    be_user(1000);
    return open_minor(NODE, &fd);
}

static int teardown(void **state)
{
    (void)state;
    fakes_reset();
    for (unsigned i = 0; i < ARENA_SLOTS; i++)
        assert_false(client->request[i].in_use);
    return 0;
}

/* ---- tests ---- */

static void a_request_goes_with_who_asks_and_comes_back_with_the_answer(void **state)
{
    struct request *r = start_call();
    struct rpc_identity who;

    (void)state;
    assert_false(r->answered);
    assert_int_equal(nr_asked, 1);
    assert_int_equal(asked->method, METHOD);
    assert_int_equal(asked->entry_flags, SQ_IDENTITY);
    assert_int_equal(asked->arena_bytes, ARENA_SLOT_BYTES);
    assert_int_equal(asked->word[0], 5);
    assert_memory_equal(asked->arena, "question", 9);
    memcpy(&who, asked->arena + DEVICE_ARENA_BYTES, sizeof who);
    assert_int_equal(who.pid, 77);
    assert_int_equal(who.uid, 1000);
    answer(asked, ERR_NOT_FOUND, "answer");
    assert_true(r->answered);
    assert_int_equal(r->error, 0);
    assert_int_equal(m.error, ERR_NOT_FOUND);
    assert_int_equal(m.word[0], 77);
    assert_int_equal(m.result_bytes, 6);
    assert_memory_equal(m.arena, "answer", 6);
    request_free(r);
}

static void what_is_no_request_does_not_reach_the_component(void **state)
{
    int32_t other;

    (void)state;
    assert_int_equal(open_minor(NODE + 1, &other), ERR_NO_ADDRESS);
    m = message("");
    m.layout_hash++;
    assert_int_equal(now_ioctl(p, fd, DEVICE_CALL, &m), ERR_INVALID_ARGUMENT);
    assert_int_equal(now_write(p, fd, &m, sizeof m), ERR_INVALID_ARGUMENT);
    m = message("");
    m.method = RPC_METHOD_FIGURES;
    assert_int_equal(now_ioctl(p, fd, DEVICE_CALL, &m), ERR_INVALID_ARGUMENT);
    m.method = METHOD;
    assert_int_equal(now_ioctl(p, fd, DEVICE_CALL, (void *)16), ERR_FAULT);
    assert_int_equal(now_write(p, fd, (void *)16, sizeof m), ERR_FAULT);
    assert_int_equal(now_write(p, fd, &m, sizeof m - 1), ERR_INVALID_ARGUMENT);
    assert_int_equal(now_read(p, fd, &m, sizeof m), ERR_INVALID_ARGUMENT);
    assert_int_equal(now_ioctl(p, fd, DEVICE_CALL + 1, &m), ERR_NOT_TTY);
    assert_int_equal(now_ioctl(p, fd, DEVICE_CANCEL, NULL), 0);
    closed = true;
    assert_int_equal(now_ioctl(p, fd, DEVICE_CALL, &m), ERR_NO_BUFFERS);
    assert_null(forward_client(NODE));
    assert_int_equal(nr_asked + nr_cancels, 0);
}

static void a_cancelled_call_ends_as_the_component_says(void **state)
{
    (void)state;
    for (unsigned done = 0; done < 2; done++) {
        struct request *r = start_call();

        cancel(r);
        cancel(r);
        assert_int_equal(nr_cancels, done + 1);
        assert_false(r->answered);
        answer(asked, done ? 0 : ERR_CANCELLED, "answer");
        assert_true(r->answered);
        assert_int_equal(r->error, done ? 0 : ERR_CANCELLED);
        assert_memory_equal(m.arena, done ? "answer" : "questi", 6);
        request_free(r);
    }
    struct request *r = start_call();
    answer(asked, ERR_CANCELLED, "answer");     /* nobody wanted that: it is an answer like any */
    assert_int_equal(r->error, 0);
    assert_int_equal(m.error, ERR_CANCELLED);
    request_free(r);
}

static void what_is_written_is_answered_when_poll_says_so(void **state)
{
    struct device_message got;
    struct request *r;

    (void)state;
    m = message("written");
    assert_int_equal(level(), FS_POLLOUT | FS_POLLWRNORM);
    assert_int_equal(now_write(p, fd, &m, sizeof m), sizeof m);
    assert_memory_equal(asked->arena, "written", 8);
    assert_int_equal(level(), 0);
    assert_int_equal(now_write(p, fd, &m, sizeof m), ERR_BUSY);
    r = start_read(p, fd, &got, sizeof got);
    assert_false(r->answered);
    answer(asked, 0, "answer");
    assert_true(r->answered);
    assert_int_equal(r->done, sizeof got);
    assert_memory_equal(got.arena, "answer", 6);
    request_free(r);

    assert_int_equal(now_write(p, fd, &m, sizeof m), sizeof m);
    assert_int_equal(now_ioctl(p, fd, DEVICE_CANCEL, NULL), 0);
    assert_int_equal(now_ioctl(p, fd, DEVICE_CANCEL, NULL), 0);
    assert_int_equal(nr_cancels, 1);
    answer(asked, ERR_CANCELLED, "");
    assert_int_equal(level(), FS_POLLIN | FS_POLLRDNORM);
    assert_int_equal(now_read(p, fd, &got, sizeof got - 1), ERR_INVALID_ARGUMENT);
    assert_int_equal(now_read(p, fd, &got, sizeof got), sizeof got);
    assert_int_equal(got.error, ERR_CANCELLED);
    assert_int_equal(level(), FS_POLLOUT | FS_POLLWRNORM);
}

static void closing_takes_back_what_was_written(void **state)
{
    (void)state;
    m = message("written");
    assert_int_equal(now_write(p, fd, &m, sizeof m), sizeof m);
    assert_int_equal(fd_close(p, fd), 0);
    assert_int_equal(nr_cancels, 1);
    assert_true(asked->in_use);                 /* until the component lets go of it */
    answer(asked, ERR_CANCELLED, "");

    assert_int_equal(open_minor(NODE, &fd), 0);
    assert_int_equal(now_write(p, fd, &m, sizeof m), sizeof m);
    answer(asked, 0, "answer");                 /* which nobody reads */
    assert_int_equal(fd_close(p, fd), 0);
    assert_int_equal(nr_cancels, 1);
}

/* As many as this user may have; *r: where to keep them. */
static unsigned start_all(uint32_t uid, struct request **r)
{
    unsigned n = 0;

    be_user(uid);
    while (!(r[n] = start_call())->answered)
        n++;
    assert_int_equal(r[n]->error, ERR_NO_BUFFERS);
    request_free(r[n]);
    return n;
}

static void end_all(struct request **r, unsigned n)
{
    for (unsigned i = 0; i < ARENA_SLOTS; i++)
        if (client->request[i].in_use)
            answer(&client->request[i], 0, "answer");
    for (unsigned i = 0; i < n; i++)
        request_free(r[i]);
}

static void a_user_leaves_as_many_slots_to_the_others(void **state)
{
    static const unsigned share[] = { 15, 8, 4, 2, 1, 0 };
    struct request *r[ARENA_SLOTS + 1];
    unsigned n = 0;

    (void)state;
    entries = 3 * ARENA_SLOTS;                  /* the component takes them at once */
    for (uint32_t user = 0; user < sizeof share / sizeof share[0]; user++) {
        unsigned more = start_all(user, r + n);

        assert_int_equal(more, share[user]);
        n += more;
    }
    assert_non_null(forward_client(NODE));      /* fs itself still finds one */
    end_all(r, n);
}

static void each_cancel_has_an_entry_however_stuck_the_component(void **state)
{
    struct request *r[ARENA_SLOTS + 1];

    (void)state;
    for (unsigned room = SQ_ENTRIES - 3; room <= SQ_ENTRIES; room++) {
        unsigned n;

        entries = room;
        nr_cancels = 0;
        n = start_all(1, r);
        n += start_all(2, r + n);
        assert_int_equal(n, room / 2);
        assert_null(forward_client(NODE));
        for (unsigned i = 0; i < n; i++)
            cancel(r[i]);                       /* take_entry finds one */
        assert_int_equal(nr_cancels, n);
        end_all(r, n);
    }
}

static void requests_of_fs_itself_are_completed_as_usual(void **state)
{
    struct rpc_request own = { 0 };

    (void)state;
    client->env->completed(client, &own);
    assert_int_equal(nr_own, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_goes_with_who_asks_and_comes_back_with_the_answer), T(what_is_no_request_does_not_reach_the_component),
        T(a_cancelled_call_ends_as_the_component_says), T(what_is_written_is_answered_when_poll_says_so),
        T(closing_takes_back_what_was_written), T(a_user_leaves_as_many_slots_to_the_others),
        T(each_cancel_has_an_entry_however_stuck_the_component), T(requests_of_fs_itself_are_completed_as_usual),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
