/* SPDX-License-Identifier: MIT */
/*
 * Terminals as files: reading, writing, polling, opening, hanging up. tty.h
 * tells who owns what; tty_job.c and tty_ioctl.c have the rest of the rules.
 *
 * VMIN and VTIME: an operation never waits by itself, so the timer belongs to
 * the terminal. The first attempt of a read resets it; when it fires, the next
 * attempt takes what there is. Two processes that read one raw terminal with
 * VTIME at once share the timer.
 */
#include "tty.h"

#include <stdlib.h>
#include <string.h>

#include "../vfs.h"

struct tty *tty_list;
struct tty *tty_console;

#define VALUE_CONSOLE (1ul << 32)   /* file->value: opened as /dev/console      */
#define CHUNK_BYTES   1024u
#define DECISECOND(hz) ((hz) / 10)

/* One read at a time passes through here: nothing in between suspends. */
static uint8_t bounce[LDISC_BUF_BYTES];

/* ---- what the line discipline asks for ---- */

static struct tty *tty_of(struct ldisc *ld)
{
    return (struct tty *)ld;
}

static void on_signal(struct ldisc *ld, int signo)
{
    tty_signal_group(tty_of(ld), signo);
}

static void on_flow_changed(struct ldisc *ld, bool stopped)
{
    struct tty *t = tty_of(ld);

    if (t->driver->flow_changed != NULL)
        t->driver->flow_changed(t, stopped);
    if (!stopped)
        tty_start(t);
}

static void on_flushed(struct ldisc *ld, unsigned what)
{
    struct tty *t = tty_of(ld);

    if (t->driver->flushed != NULL)
        t->driver->flushed(t, what);
    if (what & TIOCPKT_FLUSHWRITE)
        tty_output_taken(t);
    if ((what & TIOCPKT_FLUSHREAD) && t->driver->input_room != NULL)
        t->driver->input_room(t);
}

static void on_send_char(struct ldisc *ld, uint8_t c)
{
    struct tty *t = tty_of(ld);

    if (t->driver->send_char != NULL)
        t->driver->send_char(t, c);
}

static const struct ldisc_ops tty_ldisc_ops = {
    .signal = on_signal,
    .flow_changed = on_flow_changed,
    .flushed = on_flushed,
    .send_char = on_send_char,
};

/* ---- life ---- */

static void read_timer_fired(struct exec_timer *timer)
{
    struct tty *t = (struct tty *)((char *)timer - offsetof(struct tty, read_timer));

    t->read_timed_out = true;
    waitq_wake(&t->waiters, FS_POLLIN | FS_POLLRDNORM);
}

struct tty *tty_new(const struct tty_driver *driver, void *driver_data, uint64_t rdev)
{
    struct tty *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->out.data = malloc(TTY_OUT_BYTES);
    if (t->out.data == NULL) {
        free(t);
        return NULL;
    }
    t->out.bytes = TTY_OUT_BYTES;
    ldisc_init(&t->ld, &t->out, &tty_ldisc_ops);
    t->driver = driver;
    t->driver_data = driver_data;
    t->rdev = rdev;
    t->read_timer.fire = read_timer_fired;
    waitq_init(&t->waiters);
    t->next = tty_list;
    tty_list = t;
    return t;
}

void tty_free(struct tty *t)
{
    struct tty **at = &tty_list;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    if (t->read_timer.armed)
        exec_timer_cancel(&t->read_timer);
    waitq_close(&t->waiters);
    free(t->out.data);
    free(t);
}

error_t tty_attach_file(struct tty *t, struct file *f, struct process *p, bool as_console)
{
    if (t->exclusive && t->nr_open != 0 && (p == NULL || !process_capable(p, CAP_SYS_ADMIN)))
        return ERR_BUSY;
    error_t error = t->driver->opened != NULL ? t->driver->opened(t) : 0;
    if (error != 0)
        return error;
    f->ops = &tty_file_ops;
    f->data = t;
    f->value = t->generation | (as_console ? VALUE_CONSOLE : 0);
    t->nr_open++;
    if (p != NULL && !as_console && !(f->flags & O_NOCTTY))
        tty_open_controlling(t, p);
    return 0;
}

static bool hung_up(const struct file *f)
{
    const struct tty *t = f->data;
    return !(f->value & VALUE_CONSOLE) && (uint32_t)f->value != t->generation;
}

static bool peer_gone(const struct tty *t)
{
    return t->driver->peer_gone != NULL && t->driver->peer_gone(t);
}

static void tty_file_release(struct file *f)
{
    struct tty *t = f->data;

    if (--t->nr_open != 0)
        return;
    t->exclusive = false;
    if (t->driver->closed != NULL)
        t->driver->closed(t);       /* may free it */
}

void tty_wake_all(struct tty *t)
{
    waitq_wake(&t->waiters, FS_POLLHUP | FS_POLLIN | FS_POLLOUT | FS_POLLRDNORM | FS_POLLWRNORM | TTY_WAKE_DRAINED);
}

void tty_hangup(struct tty *t)
{
    t->generation++;
    ldisc_start(&t->ld, true);
    ldisc_start(&t->ld, false);
    ldisc_flush_input(&t->ld);
    tty_wake_all(t);
}

/* ---- drivers' side ---- */

void tty_start(struct tty *t)
{
    if (!t->ld.stopped && byte_ring_used(&t->out) != 0)
        t->driver->start_tx(t);
}

/* Under VMIN > 0 and VTIME > 0 each byte starts the pause anew. */
static void restart_read_timer(struct tty *t)
{
    const struct tty_termios *tio = &t->ld.termios;

    if (ldisc_canonical(&t->ld) || tio->cc[VTIME] == 0 || tio->cc[VMIN] == 0 || waitq_empty(&t->waiters))
        return;
    exec_timer_set(&t->read_timer, exec_now() + tio->cc[VTIME] * DECISECOND((uint64_t)fs_tty_hz()));
}

size_t tty_receive(struct tty *t, const uint8_t *from, size_t n)
{
    size_t done = ldisc_receive(&t->ld, from, n);

    tty_start(t);               /* the echo */
    if (ldisc_readable(&t->ld, 1)) {
        restart_read_timer(t);
        waitq_wake(&t->waiters, FS_POLLIN | FS_POLLRDNORM);
    }
    return done;
}

size_t tty_take_output(struct tty *t, uint8_t *to, size_t n)
{
    if (t->ld.stopped)
        return 0;
    size_t done = byte_ring_get(&t->out, to, (uint32_t)n);
    if (done != 0)
        tty_output_taken(t);
    return done;
}

bool tty_drained(struct tty *t)
{
    return byte_ring_used(&t->out) == 0 && (t->driver->drained == NULL || t->driver->drained(t));
}

void tty_output_taken(struct tty *t)
{
    if (byte_ring_used(&t->out) <= TTY_OUT_BYTES / 2)
        waitq_wake(&t->waiters, FS_POLLOUT | FS_POLLWRNORM);
    if (tty_drained(t))
        waitq_wake(&t->waiters, TTY_WAKE_DRAINED);
}

/* ---- reading ---- */

/* Move up to io_left bytes of input (a line at most, in canonical mode). */
static error_t deliver(struct tty *t, struct io *io)
{
    bool got;
    uint64_t room = io_left(io) < sizeof(bounce) ? io_left(io) : sizeof(bounce);
    size_t n = ldisc_read(&t->ld, bounce, room, &got);

    t->read_timed_out = false;
    if (t->driver->input_room != NULL)
        t->driver->input_room(t);
    tty_start(t);
    if (ldisc_readable(&t->ld, 1))
        waitq_wake(&t->waiters, FS_POLLIN | FS_POLLRDNORM);     /* another reader's turn */
    return n == 0 ? 0 : io_put(io, bounce, n);
}

/* Raw mode: may the read take what there is now? Starts the timer if not. */
static bool raw_read_ready(struct tty *t, const struct io *io, bool nonblock)
{
    const uint8_t min = t->ld.termios.cc[VMIN], time = t->ld.termios.cc[VTIME];
    const uint64_t want = min < io_left(io) ? min : io_left(io);
    const size_t available = ldisc_input_bytes(&t->ld);

    if (available != 0 && (available >= want || nonblock || t->read_timed_out))
        return true;
    if (min == 0 && (time == 0 || t->read_timed_out))
        return true;            /* with nothing */
    if (time != 0 && (min == 0 || available != 0) && !t->read_timer.armed && !nonblock)
        exec_timer_set(&t->read_timer, exec_now() + time * DECISECOND((uint64_t)fs_tty_hz()));
    return false;
}

static bool first_attempt(const struct io *io)
{
    return io->call == NULL || !io->call->parked;
}

/*
 * May the process go on? One in the background gets the signal and its request
 * is parked: either it is stopped, and goes on when its group is in the
 * foreground again; or it has a handler, and cancels. A parked one that is not
 * stopped any more was continued in the background: it gets the signal again.
 */
static error_t check_background(struct tty *t, const struct file *f, const struct io *io, int signo)
{
    const struct process *p = io_process(io);

    if (p == NULL)
        return 0;
    if (p->page->stopped && !tty_in_foreground(t, p))
        return ERR_WOULD_BLOCK;
    error_t error = tty_check_background(t, p, signo);
    return error == ERR_RESTART && !(f->flags & O_NONBLOCK) ? ERR_WOULD_BLOCK : error;
}

static error_t tty_read(struct file *f, struct io *io, uint64_t *position)
{
    struct tty *t = f->data;
    const bool nonblock = (f->flags & O_NONBLOCK) != 0;

    (void)position;
    if (hung_up(f) || io_left(io) == 0)
        return 0;
    error_t error = check_background(t, f, io, SIG_TTIN);
    if (error != 0)
        return error;
    if (first_attempt(io)) {
        t->read_timed_out = false;
        if (t->read_timer.armed)
            exec_timer_cancel(&t->read_timer);
    }
    if (ldisc_canonical(&t->ld) ? ldisc_readable(&t->ld, 1) : raw_read_ready(t, io, nonblock))
        return deliver(t, io);
    return peer_gone(t) ? ERR_IO : ERR_WOULD_BLOCK;
}

/* ---- writing ---- */

static error_t tty_write(struct file *f, struct io *io, uint64_t *position)
{
    struct tty *t = f->data;
    uint8_t chunk[CHUNK_BYTES];
    error_t error = 0;

    (void)position;
    if (hung_up(f) || peer_gone(t))
        return ERR_IO;
    if (t->ld.termios.lflag & TOSTOP) {
        error = check_background(t, f, io, SIG_TTOU);
        if (error != 0)
            return error;
    }
    while (error == 0 && io_left(io) != 0) {
        /* so little that it finds room whatever each byte becomes */
        uint32_t room = byte_ring_room(&t->out);
        room = room > LDISC_ECHO_RESERVE + 16 ? (room - LDISC_ECHO_RESERVE - 16) / ldisc_expansion(&t->ld) : 0;
        uint64_t n = io_left(io) < sizeof(chunk) ? io_left(io) : sizeof(chunk);
        n = n < room ? n : room;
        if (n == 0)
            break;
        uint64_t before = io->done;
        error = io_get(io, chunk, n);
        ldisc_write(&t->ld, chunk, io->done - before);
        tty_start(t);
    }
    if (error != 0)
        return error;
    return io_left(io) == 0 ? 0 : ERR_WOULD_BLOCK;
}

/* ---- readiness ---- */

static uint32_t tty_poll(struct file *f, struct waiter *w)
{
    struct tty *t = f->data;
    uint32_t level = 0;

    if (w != NULL && w->queue == NULL)
        waitq_add(&t->waiters, w);
    if (hung_up(f))
        return FS_POLLIN | FS_POLLRDNORM | FS_POLLOUT | FS_POLLWRNORM | FS_POLLERR | FS_POLLHUP;
    const uint8_t *cc = t->ld.termios.cc;
    if (ldisc_readable(&t->ld, cc[VTIME] == 0 ? cc[VMIN] : 1))
        level |= FS_POLLIN | FS_POLLRDNORM;
    if (ldisc_writable(&t->ld))
        level |= FS_POLLOUT | FS_POLLWRNORM;
    if (peer_gone(t))
        level |= FS_POLLHUP;
    return level;
}

static error_t tty_file_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument,
                              uint64_t *result)
{
    if (hung_up(f))
        return command == TIOCSPGRP ? ERR_NOT_TTY : ERR_IO;
    return tty_ioctl(f->data, false, f, call, command, argument, result);
}

const struct file_ops tty_file_ops = {
    .name = "tty",
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_file_ioctl,
    .release = tty_file_release,
};
