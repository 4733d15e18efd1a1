/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/pipe.c servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* Pipes and FIFOs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "pipe.h"
#include "stream_fakes.h"

static struct process *p;
static int32_t rfd, wfd;

static error_t make_pipe(uint32_t flags)
{
    struct request *r = request_new(p);
    struct fs_pipe_out out = { 0 };
    error_t error = fs_serve_pipe(&r->call, &(struct fs_pipe_in){ .flags = flags }, &out);

    rfd = out.read_fd;
    wfd = out.write_fd;
    free(r);
    return error;
}

static int setup(void **state)
{
    (void)state;
    p = fake_process(20, 20, 20, 20);
    assert_int_equal(make_pipe(0), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fakes_reset();
    return 0;
}

static void set_nonblock(int32_t fd) { fd_lookup(p, fd)->flags |= O_NONBLOCK; }

static void what_is_written_is_read_in_order(void **state)
{
    char got[8] = { 0 };
    (void)state;
    assert_int_equal(now_write(p, wfd, "abc", 3), 3);
    assert_int_equal(now_write(p, wfd, "def", 3), 3);
    assert_int_equal(now_read(p, rfd, got, 4), 4);
    assert_string_equal(got, "abcd");
    assert_int_equal(now_read(p, rfd, got, 8), 2);
}

static void a_reader_waits_for_a_writer(void **state)
{
    char got[8] = { 0 };
    (void)state;
    struct request *r = start_read(p, rfd, got, 8);
    assert_false(r->answered);
    assert_int_equal(now_write(p, wfd, "hello", 5), 5);
    assert_true(r->answered);
    assert_int_equal(r->done, 5);
    assert_string_equal(got, "hello");
    request_free(r);
}

static void readers_are_served_in_order(void **state)
{
    char a, b;
    (void)state;
    struct request *first = start_read(p, rfd, &a, 1), *second = start_read(p, rfd, &b, 1);
    assert_int_equal(now_write(p, wfd, "xy", 2), 2);
    assert_true(first->answered && second->answered);
    assert_int_equal(a, 'x');
    assert_int_equal(b, 'y');
    request_free(first);
    request_free(second);
}

static void an_empty_nonblocking_pipe_would_block(void **state)
{
    char c;
    (void)state;
    set_nonblock(rfd);
    assert_int_equal(now_read(p, rfd, &c, 1), ERR_WOULD_BLOCK);
}

static void the_last_writer_ends_the_input(void **state)
{
    char c;
    (void)state;
    struct request *r = start_read(p, rfd, &c, 1);
    fd_close(p, wfd);
    settle();
    assert_true(r->answered);
    assert_int_equal(r->error, 0);
    assert_int_equal(r->done, 0);
    request_free(r);
}

static void writing_without_a_reader_breaks_the_pipe(void **state)
{
    (void)state;
    fd_close(p, rfd);
    assert_int_equal(now_write(p, wfd, "x", 1), ERR_BROKEN_PIPE);
}

static void a_blocked_writer_learns_that_the_reader_left(void **state)
{
    static char many[100000];
    (void)state;
    struct request *w = start_write(p, wfd, many, sizeof(many));
    assert_false(w->answered);
    fd_close(p, rfd);
    settle();
    assert_true(w->answered);
    assert_int_equal(w->error, 0);
    assert_int_equal(w->done, 65536);       /* what had been written counts */
    request_free(w);
}

static void a_large_write_goes_through_piece_by_piece(void **state)
{
    static uint8_t many[300000], got[300000];
    size_t done = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = (uint8_t)(i * 31 >> 3);
    struct request *w = start_write(p, wfd, many, sizeof(many));
    while (done < sizeof(many)) {
        int64_t n = now_read(p, rfd, got + done, 7777);
        assert_true(n > 0);
        done += (size_t)n;
    }
    assert_true(w->answered);
    assert_int_equal(w->done, sizeof(many));
    assert_memory_equal(many, got, sizeof(many));
    request_free(w);
}

static void a_small_write_is_never_split(void **state)
{
    static char fill[65536 - 100], small[200], got[65536];
    (void)state;
    set_nonblock(wfd);
    assert_int_equal(now_write(p, wfd, fill, sizeof(fill)), sizeof(fill));
    assert_int_equal(now_write(p, wfd, small, 200), ERR_WOULD_BLOCK);
    assert_int_equal(now_write(p, wfd, small, 100), 100);
    assert_int_equal(now_read(p, rfd, got, sizeof(got)), 65536);
}

static void a_large_nonblocking_write_is_cut_short(void **state)
{
    static char many[100000];
    (void)state;
    set_nonblock(wfd);
    assert_int_equal(now_write(p, wfd, many, sizeof(many)), 65536);
    assert_int_equal(now_write(p, wfd, many, sizeof(many)), ERR_WOULD_BLOCK);
}

static void a_cancelled_reader_takes_nothing(void **state)
{
    char c, d;
    (void)state;
    struct request *r = start_read(p, rfd, &c, 1);
    request_cancel(r);
    assert_int_equal(r->error, ERR_CANCELLED);
    assert_int_equal(now_write(p, wfd, "x", 1), 1);
    assert_int_equal(now_read(p, rfd, &d, 1), 1);
    request_free(r);
}

static void a_bad_address_is_a_fault_and_takes_nothing(void **state)
{
    char c;
    (void)state;
    assert_int_equal(now_write(p, wfd, (void *)16, 1), ERR_FAULT);
    assert_int_equal(now_write(p, wfd, "x", 1), 1);
    assert_int_equal(now_read(p, rfd, (void *)16, 1), ERR_FAULT);
    assert_int_equal(now_read(p, rfd, &c, 1), 1);
}

static void the_capacity_can_be_changed(void **state)
{
    static char many[70000], got[70000];
    uint64_t size;
    (void)state;
    struct file *f = fd_lookup(p, wfd);
    set_nonblock(wfd);
    assert_int_equal(f->ops->fcntl(f, p, 1032, 0, &size), 0);
    assert_int_equal(size, 65536);
    assert_int_equal(f->ops->fcntl(f, p, 1031, 5000, &size), 0);
    assert_int_equal(size, 8192);
    assert_int_equal(now_write(p, wfd, many, 10000), 8192);
    assert_int_equal(f->ops->fcntl(f, p, 1031, 4096, &size), ERR_BUSY);
    assert_int_equal(f->ops->fcntl(f, p, 1031, 100000, &size), 0);
    assert_int_equal(size, 131072);
    assert_int_equal(now_write(p, wfd, many, 70000), 70000);
    assert_int_equal(now_read(p, rfd, got, 70000), 70000);
    p->files->entry[0].flags = 0;
    ((struct proc_page *)p->page)->cap_effective = 0;
    assert_int_equal(f->ops->fcntl(f, p, 1031, 2 << 20, &size), ERR_PERMISSION);
}

static void fionread_tells_what_waits(void **state)
{
    int32_t n = -1;
    (void)state;
    now_write(p, wfd, "abc", 3);
    assert_int_equal(now_ioctl(p, rfd, 0x541b, &n), 0);
    assert_int_equal(n, 3);
}

static void packet_mode_is_refused(void **state)
{
    (void)state;
    assert_int_equal(make_pipe(O_DIRECT), ERR_INVALID_ARGUMENT);
}

static void tee_copies_without_taking(void **state)
{
    int32_t from = rfd, into = wfd;
    char got[8];
    uint64_t done;
    (void)state;
    now_write(p, into, "abc", 3);
    assert_int_equal(make_pipe(0), 0);
    assert_int_equal(pipe_tee(fd_lookup(p, from), fd_lookup(p, wfd), 100, &done), 0);
    assert_int_equal(done, 3);
    assert_int_equal(now_read(p, rfd, got, 8), 3);
    assert_int_equal(now_read(p, from, got, 8), 3);
    assert_int_equal(pipe_tee(fd_lookup(p, from), fd_lookup(p, wfd), 100, &done), ERR_WOULD_BLOCK);
}

/* ---- FIFOs ---- */

static struct inode fifo_inode;

static error_t open_fifo(uint32_t flags, struct file **f)
{
    error_t error = file_new(NULL, flags, 0, f);
    assert_int_equal(error, 0);
    (*f)->inode = &fifo_inode;
    error = fifo_open(&fifo_inode, *f, p);
    if (error != 0 && error != ERR_WOULD_BLOCK) {
        file_put(*f);
        *f = NULL;
    }
    return error;
}

static void opening_a_fifo_waits_for_the_other_side(void **state)
{
    struct file *r, *w;
    (void)state;
    assert_int_equal(open_fifo(O_RDONLY, &r), ERR_WOULD_BLOCK);
    assert_int_equal(r->ops->open_wait(r), ERR_WOULD_BLOCK);
    assert_int_equal(open_fifo(O_WRONLY, &w), 0);
    assert_int_equal(r->ops->open_wait(r), 0);
    file_put(w);
    /* the writer came and went: the reader's open had succeeded all the same */
    assert_int_equal(r->ops->open_wait(r), 0);
    assert_int_equal(r->ops->poll(r, NULL), FS_POLLHUP);
    file_put(r);
    assert_null(fifo_inode.special);
}

static void a_nonblocking_writer_needs_a_reader(void **state)
{
    struct file *r, *w;
    (void)state;
    assert_int_equal(open_fifo(O_WRONLY | O_NONBLOCK, &w), ERR_NO_ADDRESS);
    assert_null(fifo_inode.special);
    assert_int_equal(open_fifo(O_RDONLY | O_NONBLOCK, &r), 0);
    assert_int_equal(r->ops->poll(r, NULL), 0);     /* no hang-up before a writer came */
    assert_int_equal(open_fifo(O_WRONLY | O_NONBLOCK, &w), 0);
    file_put(w);
    assert_int_equal(r->ops->poll(r, NULL), FS_POLLHUP);
    file_put(r);
}

static void a_fifo_opened_both_ways_never_waits(void **state)
{
    struct file *f;
    (void)state;
    assert_int_equal(open_fifo(O_RDWR, &f), 0);
    assert_int_equal(f->ops->poll(f, NULL), FS_POLLOUT | FS_POLLWRNORM);
    file_put(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_written_is_read_in_order), T(a_reader_waits_for_a_writer), T(readers_are_served_in_order),
        T(an_empty_nonblocking_pipe_would_block), T(the_last_writer_ends_the_input),
        T(writing_without_a_reader_breaks_the_pipe), T(a_blocked_writer_learns_that_the_reader_left),
        T(a_large_write_goes_through_piece_by_piece), T(a_small_write_is_never_split),
        T(a_large_nonblocking_write_is_cut_short), T(a_cancelled_reader_takes_nothing),
        T(a_bad_address_is_a_fault_and_takes_nothing), T(the_capacity_can_be_changed),
        T(fionread_tells_what_waits), T(packet_mode_is_refused), T(tee_copies_without_taking),
        T(opening_a_fifo_waits_for_the_other_side), T(a_nonblocking_writer_needs_a_reader),
        T(a_fifo_opened_both_ways_never_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
