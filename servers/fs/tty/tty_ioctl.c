/* SPDX-License-Identifier: MIT */
/*
 * Terminal ioctls. Commands that change a terminal are refused or stopped for
 * background processes like writes (SIGTTOU); those that wait for output to
 * drain become parked requests on the terminal's queue.
 */
#include <fs_server.h>
#include <proc_client.h>
#include <string.h>

#include "../peers.h"
#include "../vfs.h"
#include "tty.h"

/* ---- client memory ---- */

static error_t put_int(struct rpc_call *call, uint64_t address, int32_t value)
{
    return rpc_client_write(call, address, &value, sizeof(value));
}

static error_t get_int(struct rpc_call *call, uint64_t address, int32_t *value)
{
    return rpc_client_read(call, address, value, sizeof(*value));
}

/* ---- settings ---- */

static void apply(struct tty *t, struct tty_termios *tio, bool flush_input)
{
    struct tty_termios old = t->ld.termios;

    if (flush_input)
        ldisc_flush_input(&t->ld);
    /* what no driver here can change is not claimed */
    if ((tio->cflag & CSIZE) == 0)
        tio->cflag |= CS8;
    ldisc_set_termios(&t->ld, tio);
    if (t->driver->termios_changed != NULL)
        t->driver->termios_changed(t, &old);
    tty_start(t);
    waitq_wake(&t->waiters, FS_POLLIN | FS_POLLRDNORM | FS_POLLOUT | FS_POLLWRNORM);
}

static error_t read_settings(const struct tty *t, struct rpc_call *call, uint32_t command, uint64_t address,
                             struct tty_termios *tio)
{
    *tio = t->ld.termios;
    switch (command) {
    case TCSETA: case TCSETAW: case TCSETAF: {
        struct tty_termio old;
        error_t error = rpc_client_read(call, address, &old, sizeof(old) - 1);
        if (error != 0)
            return error;
        tio->iflag = (tio->iflag & 0xffff0000u) | old.iflag;
        tio->oflag = (tio->oflag & 0xffff0000u) | old.oflag;
        tio->cflag = (tio->cflag & 0xffff0000u) | old.cflag;
        tio->lflag = (tio->lflag & 0xffff0000u) | old.lflag;
        tio->line = old.line;
        memcpy(tio->cc, old.cc, sizeof(old.cc));
        return 0;
    }
    case TCSETS2: case TCSETSW2: case TCSETSF2:
        return rpc_client_read(call, address, tio, sizeof(*tio));
    default:
        return rpc_client_read(call, address, tio, TERMIOS_BYTES);
    }
}

static error_t write_termio(const struct tty *t, struct rpc_call *call, uint64_t address)
{
    const struct tty_termios *tio = &t->ld.termios;
    struct tty_termio old = { .iflag = (uint16_t)tio->iflag, .oflag = (uint16_t)tio->oflag,
                              .cflag = (uint16_t)tio->cflag, .lflag = (uint16_t)tio->lflag, .line = tio->line };

    memcpy(old.cc, tio->cc, sizeof(old.cc));
    return rpc_client_write(call, address, &old, sizeof(old));
}

/* ---- waiting for the output to drain ---- */

struct parked_drain {
    struct parked parked;       /* first                                        */
    struct tty *tty;
    struct tty_termios termios;
    bool set, flush_input;
};

static error_t drain_attempt(struct parked *parked)
{
    struct parked_drain *pd = (struct parked_drain *)parked;

    if (parked->file->data != pd->tty || parked->file->ops != &tty_file_ops)
        return ERR_IO;
    if (!tty_drained(pd->tty))
        return ERR_WOULD_BLOCK;
    if (pd->set)
        apply(pd->tty, &pd->termios, pd->flush_input);
    return 0;
}

static void drain_reply(struct parked *parked, error_t error)
{
    struct fs_ioctl_out out = { 0 };
    fs_ioctl_reply(parked->call, error, &out);
}

static const struct parked_ops drain_ops = { .attempt = drain_attempt, .reply = drain_reply };

/* Apply *tio (or nothing, when NULL) once the output is out. */
static error_t when_drained(struct tty *t, struct file *f, struct rpc_call *call, struct tty_termios *tio,
                            bool flush_input)
{
    struct parked *parked;

    /* a pty's output counts as sent, and a master has no drain of its own */
    if (f->ops != &tty_file_ops || tty_drained(t)) {
        if (tio != NULL)
            apply(t, tio, flush_input);
        return 0;
    }
    error_t error = park(call, &drain_ops, sizeof(struct parked_drain), f, DEADLINE_NONE, &parked);
    if (error != 0)
        return error;
    struct parked_drain *pd = (struct parked_drain *)parked;
    pd->tty = t;
    pd->flush_input = flush_input;
    pd->set = tio != NULL;
    if (tio != NULL)
        pd->termios = *tio;
    parked->waiter.events = TTY_WAKE_DRAINED;
    waitq_add(&t->waiters, &parked->waiter);
    return RPC_PENDING;
}

static error_t set_termios(struct tty *t, struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument)
{
    struct tty_termios tio;
    error_t error = read_settings(t, call, command, argument, &tio);

    if (error != 0)
        return error;
    switch (command) {
    case TCSETS: case TCSETS2: case TCSETA:
        apply(t, &tio, false);
        return 0;
    case TCSETSF: case TCSETSF2: case TCSETAF:
        return when_drained(t, f, call, &tio, true);
    default:
        return when_drained(t, f, call, &tio, false);
    }
}

/* ---- flow and flushing ---- */

static error_t flow(struct tty *t, uint64_t how)
{
    enum { TCOOFF, TCOON, TCIOFF, TCION };

    switch (how) {
    case TCOOFF: ldisc_stop(&t->ld, true); return 0;
    case TCOON: ldisc_start(&t->ld, true); return 0;
    case TCIOFF:
    case TCION:
        if (t->driver->send_char != NULL)
            t->driver->send_char(t, t->ld.termios.cc[how == TCIOFF ? VSTOP : VSTART]);
        return 0;
    default: return ERR_INVALID_ARGUMENT;
    }
}

static error_t flush(struct tty *t, uint64_t what)
{
    if (what > 2)
        return ERR_INVALID_ARGUMENT;
    if (what != 1)
        ldisc_flush_input(&t->ld);
    if (what != 0)
        ldisc_flush_output(&t->ld);
    return 0;
}

static error_t set_winsize(struct tty *t, struct rpc_call *call, uint64_t argument)
{
    struct tty_winsize size;
    error_t error = rpc_client_read(call, argument, &size, sizeof(size));

    if (error != 0 || memcmp(&size, &t->winsize, sizeof(size)) == 0)
        return error;
    t->winsize = size;
    tty_signal_group(t, SIG_WINCH);
    return 0;
}

/* ---- sessions ---- */

static error_t foreground_ioctl(struct tty *t, bool master, struct process *p, struct rpc_call *call,
                                uint32_t command, uint64_t argument)
{
    int32_t value;

    if (!master && !tty_is_controlling(t, p))
        return ERR_NOT_TTY;
    switch (command) {
    case TIOCGPGRP:
        return put_int(call, argument, (int32_t)t->pgrp);
    case TIOCGSID:
        return t->session == 0 ? ERR_NOT_TTY : put_int(call, argument, (int32_t)t->session);
    default: {
        if (!tty_is_controlling(t, p))
            return ERR_NOT_TTY;
        error_t error = get_int(call, argument, &value);
        return error != 0 ? error : tty_set_foreground(t, p, value);
    }
    }
}

/* ---- in the background ---- */

struct parked_background {
    struct parked parked;       /* first                                        */
    struct tty *tty;
    struct process *process;
};

/* In the foreground again: the client starts the call anew. */
static error_t background_attempt(struct parked *parked)
{
    struct parked_background *pb = (struct parked_background *)parked;

    if (parked->file->data != pb->tty || !pb->process->open)
        return ERR_IO;
    return tty_in_foreground(pb->tty, pb->process) ? ERR_RESTART : ERR_WOULD_BLOCK;
}

static const struct parked_ops background_ops = { .attempt = background_attempt, .reply = drain_reply };

/* The caller was sent SIGTTOU: it is stopped in the middle of the call, or
 * cancels it to run a handler. */
static error_t park_background(struct tty *t, struct process *p, struct file *f, struct rpc_call *call)
{
    struct parked *parked;
    error_t error = park(call, &background_ops, sizeof(struct parked_background), f, DEADLINE_NONE, &parked);

    if (error != 0)
        return error;
    struct parked_background *pb = (struct parked_background *)parked;
    pb->tty = t;
    pb->process = p;
    parked->waiter.events = TTY_WAKE_FOREGROUND;
    waitq_add(&t->waiters, &parked->waiter);
    return RPC_PENDING;
}

/* ---- dispatch ---- */

static bool changes_terminal(uint32_t command)
{
    switch (command) {
    case TCSETS: case TCSETSW: case TCSETSF: case TCSETA: case TCSETAW: case TCSETAF:
    case TCSETS2: case TCSETSW2: case TCSETSF2:
    case TCSBRK: case TCSBRKP: case TCXONC: case TCFLSH: case TIOCSPGRP:
    case TIOCSETD: case TIOCSBRK: case TIOCCBRK:
        return true;
    default:
        return false;
    }
}

static error_t settings_ioctl(struct tty *t, struct file *f, struct rpc_call *call, uint32_t command,
                              uint64_t argument)
{
    switch (command) {
    case TCGETS: return rpc_client_write(call, argument, &t->ld.termios, TERMIOS_BYTES);
    case TCGETS2: return rpc_client_write(call, argument, &t->ld.termios, sizeof(t->ld.termios));
    case TCGETA: return write_termio(t, call, argument);
    case TCSBRK: case TCSBRKP: return when_drained(t, f, call, NULL, false);    /* a break is not sent */
    case TCXONC: return flow(t, argument);
    case TCFLSH: return flush(t, argument);
    default: return set_termios(t, f, call, command, argument);
    }
}

static error_t state_ioctl(struct tty *t, struct rpc_call *call, struct process *p, uint32_t command,
                           uint64_t argument)
{
    int32_t value;
    error_t error;

    switch (command) {
    case FIONREAD: return put_int(call, argument, (int32_t)ldisc_input_bytes(&t->ld));
    case TIOCOUTQ: return put_int(call, argument, (int32_t)byte_ring_used(&t->out));
    case TIOCGWINSZ: return rpc_client_write(call, argument, &t->winsize, sizeof(t->winsize));
    case TIOCSWINSZ: return set_winsize(t, call, argument);
    case TIOCEXCL: t->exclusive = true; return 0;
    case TIOCNXCL: t->exclusive = false; return 0;
    case TIOCGEXCL: return put_int(call, argument, t->exclusive);
    case TIOCGETD: return put_int(call, argument, 0);
    case TIOCSETD:
        error = get_int(call, argument, &value);
        return error != 0 ? error : value == 0 ? 0 : ERR_INVALID_ARGUMENT;
    case TIOCGDEV: return put_int(call, argument, (int32_t)t->rdev);
    case TIOCGSOFTCAR: return put_int(call, argument, (t->ld.termios.cflag & CLOCAL) != 0);
    case TIOCSSOFTCAR:
        error = get_int(call, argument, &value);
        if (error == 0)
            t->ld.termios.cflag = (t->ld.termios.cflag & ~CLOCAL) | (value ? CLOCAL : 0);
        return error;
    case TIOCVHANGUP:
        if (!process_capable(p, CAP_SYS_ADMIN))
            return ERR_PERMISSION;
        tty_hangup(t);
        return 0;
    case TIOCSTI: return ERR_IO;        /* refused, as Linux with legacy_tiocsti off */
    default: return ERR_NOT_TTY;
    }
}

error_t tty_ioctl(struct tty *t, bool master, struct file *f, struct rpc_call *call, uint32_t command,
                  uint64_t argument, uint64_t *result)
{
    struct process *p = process_of(call);

    *result = 0;
    if (p == NULL)
        return ERR_PEER_CLOSED;
    if (!master && changes_terminal(command)) {
        error_t error = tty_check_background(t, p, SIG_TTOU);
        if (error != 0)
            return error == ERR_RESTART ? park_background(t, p, f, call) : error;
    }
    switch (command) {
    case TCGETS: case TCGETS2: case TCGETA: case TCSETS: case TCSETSW: case TCSETSF: case TCSETA: case TCSETAW:
    case TCSETAF: case TCSETS2: case TCSETSW2: case TCSETSF2: case TCSBRK: case TCSBRKP: case TCXONC: case TCFLSH:
        return settings_ioctl(t, f, call, command, argument);
    case TIOCGPGRP: case TIOCSPGRP: case TIOCGSID:
        return foreground_ioctl(t, master, p, call, command, argument);
    case TIOCSCTTY:
        return master ? ERR_NOT_TTY : tty_set_controlling(t, p, argument == 1);
    case TIOCNOTTY:
        return tty_give_up_controlling(t, p);
    default:
        return state_ioctl(t, call, p, command, argument);
    }
}
