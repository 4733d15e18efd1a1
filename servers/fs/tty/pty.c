/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals: /dev/ptmx and /dev/pts.
 *
 * Opening /dev/ptmx makes a pty: the opened file is its master, its slave is a
 * terminal whose output queue the master reads and whose input the master
 * writes. The slave's node /dev/pts/N exists while the master is open. The
 * master's end is the slave's line: closing it hangs the slave up. The slave's
 * last close is seen by the master as EIO, until it is opened again.
 *
 * A pty lives until the master and every slave file are closed.
 */
#include <proc_client.h>
#include <stdlib.h>
#include <string.h>

#include "../peers.h"
#include "../vfs.h"
#include "pty.h"
#include "tty.h"

#define PTY_MAX       256u
#define PTY_MAJOR     136u
#define TTY_GROUP     5u

struct pty {
    struct tty *slave;
    struct waitq waiters;       /* of the master                                */
    uint32_t index;
    bool     master_open;
    bool     slave_was_open;    /* and is closed now: EIO for the master        */
    bool     locked;            /* until unlockpt                               */
    bool     packet;            /* TIOCPKT                                      */
    uint8_t  packet_status;     /* to be told                                   */
};

static struct pty *ptys[PTY_MAX];
static const struct file_ops master_ops;

static void node_name(char *name, uint32_t index)
{
    char digits[8];
    unsigned n = 0;

    do
        digits[n++] = (char)('0' + index % 10);
    while ((index /= 10) != 0);
    memcpy(name, "pts/", 4);
    name += 4;
    while (n > 0)
        *name++ = digits[--n];
    *name = '\0';
}

static void pty_free(struct pty *pty)
{
    ptys[pty->index] = NULL;
    tty_free(pty->slave);
    waitq_close(&pty->waiters);
    free(pty);
}

/* ---- the slave's driver ---- */

static struct pty *pty_of(const struct tty *t)
{
    return t->driver_data;
}

static void slave_start_tx(struct tty *t)
{
    waitq_wake(&pty_of(t)->waiters, FS_POLLIN | FS_POLLRDNORM);
}

static void slave_input_room(struct tty *t)
{
    if (ldisc_receive_room(&t->ld) != 0)
        waitq_wake(&pty_of(t)->waiters, FS_POLLOUT | FS_POLLWRNORM);
}

static void tell(struct pty *pty, uint8_t set, uint8_t clear)
{
    if (!pty->packet)
        return;
    pty->packet_status = (uint8_t)((pty->packet_status & ~clear) | set);
    waitq_wake(&pty->waiters, FS_POLLPRI | FS_POLLIN | FS_POLLRDNORM);
}

static void slave_flow_changed(struct tty *t, bool stopped)
{
    if (stopped)
        tell(pty_of(t), TIOCPKT_STOP, TIOCPKT_START);
    else
        tell(pty_of(t), TIOCPKT_START, TIOCPKT_STOP);
}

static void slave_flushed(struct tty *t, unsigned what)
{
    tell(pty_of(t), (uint8_t)what, 0);
}

static void slave_termios_changed(struct tty *t, const struct tty_termios *old)
{
    const struct tty_termios *now = &t->ld.termios;
    bool was = (old->iflag & IXON) && old->cc[VSTOP] == 023 && old->cc[VSTART] == 021;
    bool is = (now->iflag & IXON) && now->cc[VSTOP] == 023 && now->cc[VSTART] == 021;

    if (was != is)
        tell(pty_of(t), is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, is ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
}

/* Output that reached the master's queue counts as sent. */
static bool slave_drained(struct tty *t)
{
    (void)t;
    return true;
}

static error_t slave_opened(struct tty *t)
{
    struct pty *pty = pty_of(t);

    if (!pty->master_open || pty->locked)
        return ERR_IO;
    pty->slave_was_open = false;
    return 0;
}

static void slave_closed(struct tty *t)
{
    struct pty *pty = pty_of(t);

    if (!pty->master_open) {
        pty_free(pty);
        return;
    }
    pty->slave_was_open = true;
    waitq_wake(&pty->waiters, FS_POLLHUP | FS_POLLIN | FS_POLLRDNORM);
}

static bool slave_peer_gone(const struct tty *t)
{
    return !pty_of(t)->master_open;
}

static const struct tty_driver slave_driver = {
    .start_tx = slave_start_tx,
    .input_room = slave_input_room,
    .flow_changed = slave_flow_changed,
    .flushed = slave_flushed,
    .termios_changed = slave_termios_changed,
    .drained = slave_drained,
    .opened = slave_opened,
    .closed = slave_closed,
    .peer_gone = slave_peer_gone,
};

/* ---- the master ---- */

static bool has_output(const struct pty *pty)
{
    return byte_ring_used(&pty->slave->out) != 0 && !pty->slave->ld.stopped;
}

/* Packet mode: each read starts with a byte that says what follows. True: it
 * was a status, and nothing follows. */
static error_t put_packet_byte(struct pty *pty, struct io *io, bool *alone)
{
    uint8_t c = pty->packet_status;
    error_t error = io_put(io, &c, 1);

    *alone = c != 0;
    if (error == 0)
        pty->packet_status = 0;
    return error;
}

static error_t master_read(struct file *f, struct io *io, uint64_t *position)
{
    struct pty *pty = f->data;
    struct tty *t = pty->slave;
    const uint8_t *at;
    error_t error = 0;

    (void)position;
    if (io_left(io) == 0)
        return 0;
    if (!has_output(pty) && !(pty->packet && pty->packet_status != 0))
        return pty->slave_was_open ? ERR_IO : ERR_WOULD_BLOCK;
    if (pty->packet) {
        bool alone;
        error = put_packet_byte(pty, io, &alone);
        if (error != 0 || alone)
            return error;
    }
    while (error == 0 && io_left(io) != 0 && byte_ring_used(&t->out) != 0) {
        uint64_t run = byte_ring_peek(&t->out, &at);
        run = run < io_left(io) ? run : io_left(io);
        uint64_t before = io->done;
        error = io_put(io, at, run);
        t->out.tail += (uint32_t)(io->done - before);
    }
    tty_output_taken(t);
    return error;
}

static error_t master_write(struct file *f, struct io *io, uint64_t *position)
{
    struct pty *pty = f->data;
    struct tty *t = pty->slave;
    uint8_t chunk[512];
    error_t error = 0;

    (void)position;
    if (pty->slave_was_open)
        return ERR_IO;
    while (error == 0 && io_left(io) != 0) {
        /* A line that is being typed always accepts a byte: what the editor
         * cannot hold it drops, so this ends. */
        uint64_t n = ldisc_receive_room(&t->ld);
        n = n < sizeof(chunk) ? n : sizeof(chunk);
        n = n < io_left(io) ? n : io_left(io);
        if (n == 0)
            return ERR_WOULD_BLOCK;
        uint64_t before = io->done;
        error = io_get(io, chunk, n);
        tty_receive(t, chunk, io->done - before);
    }
    return error;
}

static uint32_t master_poll(struct file *f, struct waiter *w)
{
    struct pty *pty = f->data;
    uint32_t level = 0;

    if (w != NULL && w->queue == NULL)
        waitq_add(&pty->waiters, w);
    if (has_output(pty))
        level |= FS_POLLIN | FS_POLLRDNORM;
    if (pty->packet && pty->packet_status != 0)
        level |= FS_POLLPRI | FS_POLLIN | FS_POLLRDNORM;
    if (pty->slave_was_open)
        level |= FS_POLLHUP;
    if (ldisc_receive_room(&pty->slave->ld) != 0)
        level |= FS_POLLOUT | FS_POLLWRNORM;
    return level;
}

static void master_release(struct file *f)
{
    struct pty *pty = f->data;
    char name[24];

    node_name(name, pty->index);
    devfs_remove(name);
    pty->master_open = false;
    if (pty->slave->nr_open == 0) {
        if (pty->slave->session != 0)
            tty_line_lost(pty->slave);
        pty_free(pty);
        return;
    }
    tty_line_lost(pty->slave);
}

/* ---- ioctls of the master ---- */

/* An open file of the slave, whatever the caller's root can see. */
static error_t open_peer(struct pty *pty, struct process *p, uint32_t flags, uint64_t *fd)
{
    struct file *f;
    uint32_t number;

    if (flags & ~(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
        return ERR_INVALID_ARGUMENT;
    error_t error = file_new(&tty_file_ops, O_RDWR | (flags & O_NONBLOCK), S_IFCHR | 0620, &f);
    if (error != 0)
        return error;
    f->flags |= flags & O_NOCTTY;
    f->ops = NULL;              /* until the terminal has taken it */
    error = tty_attach_file(pty->slave, f, p, false);
    f->flags &= ~O_NOCTTY;
    if (error == 0)
        error = fd_install(p, f, flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, &number);
    if (error != 0) {
        file_put(f);
        return error;
    }
    *fd = number;
    return 0;
}

static error_t set_packet(struct pty *pty, bool on)
{
    if (on && !pty->packet)
        pty->packet_status = 0;
    pty->packet = on;
    return 0;
}

static error_t master_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument,
                            uint64_t *result)
{
    struct pty *pty = f->data;
    struct process *p = process_of(call);
    int32_t value = 0;
    error_t error;

    *result = 0;
    if (p == NULL)
        return ERR_PEER_CLOSED;
    switch (command) {
    case TIOCGPTN: value = (int32_t)pty->index; break;
    case TIOCGPTLCK: value = pty->locked; break;
    case TIOCGPKT: value = pty->packet; break;
    case FIONREAD: value = (int32_t)byte_ring_used(&pty->slave->out); break;
    case TIOCOUTQ: value = 0; break;
    case TIOCSPTLCK:
    case TIOCPKT:
        error = rpc_client_read(call, argument, &value, sizeof(value));
        if (error != 0)
            return error;
        if (command == TIOCPKT)
            return set_packet(pty, value != 0);
        pty->locked = value != 0;
        return 0;
    case TIOCGPTPEER:
        return open_peer(pty, p, (uint32_t)argument, result);
    case TIOCSIG:
        if (argument != 2 && argument != 3 && argument != 20)
            return ERR_INVALID_ARGUMENT;
        tty_signal_group(pty->slave, (int)argument);
        return 0;
    default:
        return tty_ioctl(pty->slave, true, f, call, command, argument, result);
    }
    return rpc_client_write(call, argument, &value, sizeof(value));
}

static const struct file_ops master_ops = {
    .name = "/dev/ptmx",
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = master_release,
};

/* ---- opening ---- */

static error_t pty_new(struct process *p, struct pty **out)
{
    uint32_t index = 0;
    char name[24];

    while (index < PTY_MAX && ptys[index] != NULL)
        index++;
    if (index == PTY_MAX)
        return ERR_NO_SPACE;
    struct pty *pty = calloc(1, sizeof(*pty));
    if (pty == NULL)
        return ERR_NO_MEMORY;
    const uint64_t rdev = FS_MAKEDEV(PTY_MAJOR, index);
    pty->slave = tty_new(&slave_driver, pty, rdev);
    if (pty->slave == NULL) {
        free(pty);
        return ERR_NO_MEMORY;
    }
    pty->index = index;
    pty->locked = pty->master_open = true;
    waitq_init(&pty->waiters);
    ptys[index] = pty;
    node_name(name, index);
    error_t error = devfs_add(name, 0620, p == NULL ? 0 : process_fsuid(p), TTY_GROUP, rdev);
    if (error != 0) {
        pty_free(pty);
        return error;
    }
    *out = pty;
    return 0;
}

error_t ptmx_open(struct inode *inode, struct file *f, struct process *p)
{
    struct pty *pty;

    (void)inode;
    error_t error = pty_new(p, &pty);
    if (error != 0)
        return error;
    f->ops = &master_ops;
    f->data = pty;
    return 0;
}

error_t pts_open(struct inode *inode, struct file *f, struct process *p)
{
    uint32_t index = FS_MINOR(inode->rdev);

    if (index >= PTY_MAX || ptys[index] == NULL)
        return ERR_IO;
    return tty_attach_file(ptys[index]->slave, f, p, false);
}
