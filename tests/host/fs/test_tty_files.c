/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/tty/ldisc.c servers/fs/tty/ldisc_output.c servers/fs/tty/tty.c
 *        servers/fs/tty/tty_job.c servers/fs/tty/tty_ioctl.c servers/fs/tty/pty.c
 *        servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* Terminals as files: ptys, job control, ioctls, hang-ups, VMIN and VTIME. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"
#include "stream_fakes.h"
#include "tty/pty.h"

static struct process *shell, *job;
static struct file *mf;                 /* borrowed                                     */
static int32_t master, slave, job_slave;

uint32_t fs_tty_hz(void) { return 1000; }
void drivers_drain(ticks_t deadline) { (void)deadline; }

static int32_t open_master(struct process *p)
{
    uint32_t fd;
    assert_int_equal(file_new(NULL, O_RDWR, 0, &mf), 0);
    assert_int_equal(ptmx_open(NULL, mf, p), 0);
    assert_int_equal(fd_install(p, mf, 0, &fd), 0);
    return (int32_t)fd;
}

static error_t open_slave(struct process *p, uint32_t index, uint32_t flags, int32_t *fd)
{
    struct inode inode = { .rdev = FS_MAKEDEV(136, index) };
    struct file *f;
    assert_int_equal(file_new(NULL, O_RDWR | flags, 0, &f), 0);
    error_t error = pts_open(&inode, f, p);
    if (error != 0) {
        file_put(f);
        return error;
    }
    return fd_install(p, f, 0, (uint32_t *)fd);
}

static struct proc_page *page(struct process *p) { return (struct proc_page *)p->page; }

/* A shell that leads session 30 on a fresh pty, and a job of it, group 31. */
static int setup(void **state)
{
    int32_t zero = 0;
    (void)state;
    shell = fake_process(30, 30, 30, 30);
    job = fake_process(31, 31, 31, 30);
    page(shell)->is_session_leader = 1;
    master = open_master(fake_process(29, 29, 29, 29));
    assert_int_equal(now_ioctl(&processes[29], master, TIOCSPTLCK, &zero), 0);
    assert_int_equal(open_slave(shell, 0, 0, &slave), 0);
    assert_int_equal(open_slave(job, 0, O_NOCTTY, &job_slave), 0);
    nr_signals = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fakes_reset();
    assert_null(tty_list);
    return 0;
}

#define TERM (&processes[29])   /* the terminal emulator                               */

static void type(const char *text)
{
    assert_int_equal(now_write(TERM, master, text, strlen(text)), strlen(text));
}

static void expect_screen(const char *text)
{
    char got[4096] = { 0 };
    fd_lookup(TERM, master)->flags |= O_NONBLOCK;
    int64_t n = now_read(TERM, master, got, sizeof(got) - 1);
    if (text[0] == '\0')
        assert_int_equal(n, ERR_WOULD_BLOCK);
    else
        assert_string_equal(got, text);
}

static void foreground(uint32_t pgrp)
{
    int32_t value = (int32_t)pgrp;
    assert_int_equal(now_ioctl(shell, slave, TIOCSPGRP, &value), 0);
}

static void set_raw(uint8_t min, uint8_t time)
{
    struct tty_termios t;
    assert_int_equal(now_ioctl(shell, slave, TCGETS, &t), 0);
    t.lflag &= ~(ICANON | ECHO | ISIG);
    t.iflag = 0;
    t.cc[VMIN] = min;
    t.cc[VTIME] = time;
    assert_int_equal(now_ioctl(shell, slave, TCSETS, &t), 0);
}

/* ---- reading and writing ---- */

static void typing_echoes_and_a_line_is_read(void **state)
{
    char got[16] = { 0 };
    (void)state;
    struct request *r = start_read(shell, slave, got, sizeof(got));
    type("ls\r");
    settle();
    assert_true(r->answered);
    assert_int_equal(r->done, 3);
    assert_string_equal(got, "ls\n");
    expect_screen("ls\r\n");
    request_free(r);
}

static void output_is_processed_on_its_way_to_the_master(void **state)
{
    (void)state;
    assert_int_equal(now_write(shell, slave, "a\nb", 3), 3);
    expect_screen("a\r\nb");
}

static void a_writer_waits_until_the_master_reads(void **state)
{
    static char many[30000], got[40000];
    size_t n = 0;
    (void)state;
    memset(many, 'x', sizeof(many));
    struct request *w = start_write(shell, slave, many, sizeof(many));
    assert_false(w->answered);
    while (n < sizeof(many)) {
        int64_t part = now_read(TERM, master, got, sizeof(got));
        assert_true(part > 0);
        n += (size_t)part;
    }
    assert_true(w->answered);
    assert_int_equal(w->done, sizeof(many));
    request_free(w);
}

static void end_of_file_is_read_as_nothing(void **state)
{
    char c;
    (void)state;
    type("\004");
    assert_int_equal(now_read(shell, slave, &c, 1), 0);
}

static void an_empty_nonblocking_read_would_block(void **state)
{
    char c;
    (void)state;
    fd_lookup(shell, slave)->flags |= O_NONBLOCK;
    type("abc");
    assert_int_equal(now_read(shell, slave, &c, 1), ERR_WOULD_BLOCK);
}

/* ---- VMIN, VTIME ---- */

static void vmin_waits_for_that_many(void **state)
{
    char got[8];
    (void)state;
    set_raw(3, 0);
    struct request *r = start_read(shell, slave, got, 8);
    type("ab");
    assert_false(r->answered);
    type("c");
    assert_true(r->answered);
    assert_int_equal(r->done, 3);
    request_free(r);
    /* but not for more than was asked for */
    type("d");
    assert_int_equal(now_read(shell, slave, got, 1), 1);
}

static void no_vmin_and_no_vtime_never_waits(void **state)
{
    char c;
    (void)state;
    set_raw(0, 0);
    assert_int_equal(now_read(shell, slave, &c, 1), 0);
}

static void vtime_alone_limits_the_wait(void **state)
{
    char c;
    (void)state;
    set_raw(0, 5);
    struct request *r = start_read(shell, slave, &c, 1);
    advance_clock(400);
    assert_false(r->answered);
    advance_clock(200);
    assert_true(r->answered);
    assert_int_equal(r->done, 0);
    request_free(r);
    r = start_read(shell, slave, &c, 1);
    assert_false(r->answered);
    type("x");
    assert_true(r->answered);
    assert_int_equal(r->done, 1);
    request_free(r);
}

static void vtime_with_vmin_limits_the_pause_between_bytes(void **state)
{
    char got[8];
    (void)state;
    set_raw(5, 2);
    struct request *r = start_read(shell, slave, got, 8);
    advance_clock(10000);
    assert_false(r->answered);      /* the timer starts with the first byte */
    type("a");
    advance_clock(150);
    type("b");
    advance_clock(150);
    assert_false(r->answered);
    advance_clock(100);
    assert_true(r->answered);
    assert_int_equal(r->done, 2);
    request_free(r);
}

/* ---- job control ---- */

static void opening_gives_a_leader_its_terminal(void **state)
{
    int32_t value;
    (void)state;
    assert_int_equal(now_ioctl(shell, slave, TIOCGPGRP, &value), 0);
    assert_int_equal(value, 30);
    assert_int_equal(now_ioctl(job, job_slave, TIOCGSID, &value), 0);
    assert_int_equal(value, 30);
    assert_int_equal(now_ioctl(TERM, master, TIOCGPGRP, &value), 0);
    assert_int_equal(value, 30);
}

static void intr_goes_to_the_foreground_group(void **state)
{
    (void)state;
    foreground(31);
    type("\003");
    assert_int_equal(nr_signals, 1);
    assert_int_equal(signals[0].pgid, 31);
    assert_int_equal(signals[0].signo, 2);
}

static void a_background_reader_is_stopped(void **state)
{
    char c;
    (void)state;
    type("x\n");
    struct request *r = start_read(job, job_slave, &c, 1);
    assert_false(r->answered);
    assert_int_equal(nr_signals, 1);
    assert_int_equal(signals[0].pgid, 31);
    assert_int_equal(signals[0].signo, SIG_TTIN);
    request_cancel(r);          /* as a process with a handler does */
    request_free(r);
    page(job)->pgrp_orphaned = 1;
    assert_int_equal(now_read(job, job_slave, &c, 1), ERR_IO);
    page(job)->pgrp_orphaned = 0;
    ((struct sig_page *)job->sig)->ignored = 1ul << (SIG_TTIN - 1);
    assert_int_equal(now_read(job, job_slave, &c, 1), ERR_IO);
    assert_int_equal(now_read(shell, slave, &c, 1), 1);
}

static void a_stopped_reader_leaves_the_input_to_the_foreground(void **state)
{
    char a[8] = { 0 }, b[8] = { 0 };
    (void)state;
    foreground(31);
    struct request *r = start_read(job, job_slave, a, 8);   /* the job reads */
    page(job)->stopped = 1;                                 /* ^Z */
    ((struct sig_page *)shell->sig)->thread[0].blocked = 1ul << (SIG_TTOU - 1);     /* as shells do */
    foreground(30);
    struct request *s = start_read(shell, slave, b, 8);
    type("fg\n");
    assert_false(r->answered);
    assert_true(s->answered);
    assert_string_equal(b, "fg\n");
    request_free(s);
    foreground(31);
    page(job)->stopped = 0;
    type("more\n");
    assert_true(r->answered);
    assert_string_equal(a, "more\n");
    request_free(r);
}

static void background_output_is_stopped_only_under_tostop(void **state)
{
    struct tty_termios t;
    (void)state;
    assert_int_equal(now_write(job, job_slave, "a", 1), 1);
    now_ioctl(shell, slave, TCGETS, &t);
    t.lflag |= TOSTOP;
    now_ioctl(shell, slave, TCSETS, &t);
    struct request *w = start_write(job, job_slave, "b", 1);
    assert_false(w->answered);
    assert_int_equal(signals[0].signo, SIG_TTOU);
    page(job)->stopped = 1;
    foreground(31);
    settle();
    assert_true(w->answered);
    request_free(w);
    page(job)->stopped = 0;
    ((struct sig_page *)shell->sig)->thread[0].blocked = 1ul << (SIG_TTOU - 1);
    foreground(30);
    ((struct sig_page *)job->sig)->thread[0].blocked = 1ul << (SIG_TTOU - 1);
    assert_int_equal(now_write(job, job_slave, "a", 1), 1);
}

static void background_changes_are_stopped(void **state)
{
    struct tty_termios t;
    int32_t pgrp = 31;
    (void)state;
    assert_int_equal(now_ioctl(job, job_slave, TCGETS, &t), 0);
    struct request *r = start_ioctl(job, job_slave, TCSETS, (uint64_t)&t);
    struct request *s = start_ioctl(job, job_slave, TIOCSPGRP, (uint64_t)&pgrp);
    assert_false(r->answered || s->answered);
    assert_int_equal(nr_signals, 2);
    foreground(31);
    settle();
    assert_int_equal(r->error, ERR_RESTART);
    assert_int_equal(s->error, ERR_RESTART);
    request_free(r);
    request_free(s);
}

static void the_foreground_group_must_be_of_the_session(void **state)
{
    int32_t value = 29;
    (void)state;
    assert_int_equal(now_ioctl(shell, slave, TIOCSPGRP, &value), ERR_PERMISSION);
    value = 4711;
    assert_int_equal(now_ioctl(shell, slave, TIOCSPGRP, &value), ERR_NO_PROCESS);
    value = -1;
    assert_int_equal(now_ioctl(shell, slave, TIOCSPGRP, &value), ERR_INVALID_ARGUMENT);
    assert_int_equal(now_ioctl(TERM, master, TIOCSPGRP, &value), ERR_NOT_TTY);
}

static void a_terminal_has_one_session(void **state)
{
    (void)state;
    struct process *other = fake_process(40, 40, 40, 40);
    int32_t fd;
    assert_int_equal(open_slave(other, 0, 0, &fd), 0);
    page(other)->cap_effective = 0;
    assert_int_equal(now_ioctl(other, fd, TIOCSCTTY, NULL), ERR_PERMISSION);
    assert_int_equal(now_ioctl(job, job_slave, TIOCSCTTY, NULL), ERR_PERMISSION);
    assert_int_equal(now_ioctl(shell, slave, TIOCSCTTY, NULL), 0);
    page(other)->cap_effective = ~0ul;
    struct request *r = start_ioctl(other, fd, TIOCSCTTY, 1);
    assert_int_equal(r->error, 0);
    request_free(r);
}

static void the_leaders_end_hangs_up(void **state)
{
    char c;
    (void)state;
    streams_process_closed(shell);
    assert_int_equal(nr_signals, 2);
    assert_int_equal(signals[0].signo, SIG_HUP);
    assert_int_equal(signals[1].signo, SIG_CONT);
    assert_int_equal(now_read(job, job_slave, &c, 1), 0);
    assert_int_equal(now_write(job, job_slave, "x", 1), ERR_IO);
    assert_true(file_poll(fd_lookup(job, job_slave), NULL) & FS_POLLHUP);
    assert_null(tty_of_session(30));
}

static void exec_moves_the_leader(void **state)
{
    (void)state;
    struct process *image = fake_process(50, 30, 30, 30);
    streams_process_moved(shell, image);
    streams_process_closed(shell);
    assert_non_null(tty_of_session(30));
    streams_process_closed(image);
    assert_null(tty_of_session(30));
}

/* ---- ptys ---- */

static void a_locked_slave_cannot_be_opened(void **state)
{
    int32_t m2, fd;
    (void)state;
    m2 = open_master(TERM);
    assert_int_equal(open_slave(job, 1, 0, &fd), ERR_IO);
    (void)m2;
}

static void closing_the_master_hangs_the_slave_up(void **state)
{
    char c;
    (void)state;
    struct request *r = start_read(shell, slave, &c, 1);
    fd_close(TERM, master);
    settle();
    assert_true(r->answered);
    assert_int_equal(r->error, 0);
    assert_int_equal(r->done, 0);
    request_free(r);
    assert_true(nr_signals >= 2);
    assert_int_equal(signals[0].pid, 30);
    assert_int_equal(signals[0].signo, SIG_HUP);
    assert_int_equal(now_write(shell, slave, "x", 1), ERR_IO);
}

static void closing_the_slave_is_an_error_for_the_master(void **state)
{
    char got[8];
    (void)state;
    now_write(shell, slave, "bye", 3);
    fd_close(shell, slave);
    fd_close(job, job_slave);
    assert_true(file_poll(fd_lookup(TERM, master), NULL) & FS_POLLHUP);
    assert_int_equal(now_read(TERM, master, got, 8), 3);
    assert_int_equal(now_read(TERM, master, got, 8), ERR_IO);
}

static void packet_mode_tells_about_flushes(void **state)
{
    int32_t one = 1;
    uint8_t got[8];
    (void)state;
    assert_int_equal(now_ioctl(TERM, master, TIOCPKT, &one), 0);
    now_write(shell, slave, "ab", 2);
    assert_int_equal(now_read(TERM, master, got, 8), 3);
    assert_int_equal(got[0], TIOCPKT_DATA);
    struct request *r = start_ioctl(shell, slave, TCFLSH, 2);
    request_free(r);
    assert_int_equal(now_read(TERM, master, got, 8), 1);
    assert_int_equal(got[0], TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
}

static void the_window_size_is_kept_and_told(void **state)
{
    struct tty_winsize size = { 50, 132, 0, 0 }, got;
    (void)state;
    assert_int_equal(now_ioctl(TERM, master, TIOCSWINSZ, &size), 0);
    assert_int_equal(now_ioctl(shell, slave, TIOCGWINSZ, &got), 0);
    assert_int_equal(got.cols, 132);
    assert_int_equal(signals[0].pgid, 30);
    assert_int_equal(signals[0].signo, SIG_WINCH);
    assert_int_equal(now_ioctl(TERM, master, TIOCSWINSZ, &size), 0);
    assert_int_equal(nr_signals, 1);        /* no change, no signal */
}

static void unknown_commands_are_not_for_terminals(void **state)
{
    int32_t value = 0;
    (void)state;
    assert_int_equal(now_ioctl(shell, slave, 0x1234, &value), ERR_NOT_TTY);
    assert_int_equal(now_ioctl(shell, slave, TIOCSTI, &value), ERR_IO);
    assert_int_equal(now_ioctl(shell, slave, TCGETS, (void *)16), ERR_FAULT);
}

static void stopped_output_waits_for_start(void **state)
{
    (void)state;
    type("\023");
    now_write(shell, slave, "x", 1);
    expect_screen("");
    type("\021");
    expect_screen("x");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(typing_echoes_and_a_line_is_read), T(output_is_processed_on_its_way_to_the_master),
        T(a_writer_waits_until_the_master_reads), T(end_of_file_is_read_as_nothing),
        T(an_empty_nonblocking_read_would_block), T(vmin_waits_for_that_many), T(no_vmin_and_no_vtime_never_waits),
        T(vtime_alone_limits_the_wait), T(vtime_with_vmin_limits_the_pause_between_bytes),
        T(opening_gives_a_leader_its_terminal), T(intr_goes_to_the_foreground_group),
        T(a_background_reader_is_stopped), T(a_stopped_reader_leaves_the_input_to_the_foreground),
        T(background_output_is_stopped_only_under_tostop), T(background_changes_are_stopped),
        T(the_foreground_group_must_be_of_the_session), T(a_terminal_has_one_session), T(the_leaders_end_hangs_up),
        T(exec_moves_the_leader), T(a_locked_slave_cannot_be_opened), T(closing_the_master_hangs_the_slave_up),
        T(closing_the_slave_is_an_error_for_the_master), T(packet_mode_tells_about_flushes),
        T(the_window_size_is_kept_and_told), T(unknown_commands_are_not_for_terminals),
        T(stopped_output_waits_for_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
