/* SPDX-License-Identifier: MIT */
/*
 * Ports of virtio consoles as files: /dev/vport/NAME for named ones, terminals
 * hvcN for console ports.
 *
 * A write to a named port is finished when the device has taken the bytes, not
 * when they are queued: so what a program has written under --exec is out of
 * the machine before anybody can switch it off. Devices are usually done before
 * the notification returns, so this seldom waits.
 */
#include <stdlib.h>
#include <string.h>

#include "../process.h"
#include "../tty/byte_ring.h"
#include "../tty/tty.h"
#include "../vfs.h"
#include "drivers.h"
#include "virtio_console.h"

#define VPORT_MAJOR   242u
#define HVC_MAJOR     229u
#define CONSOLES_MAX  4u
#define RX_RING_BYTES 4096u

struct vport_file {             /* what a port means to fs: port->user          */
    struct vport *port;
    struct waitq waiters;
    struct byte_ring rx;        /* named ports                                  */
    uint8_t rx_data[RX_RING_BYTES];
    struct tty *tty;            /* console ports                                */
};

struct console {
    struct virtio_device device;
    struct virtio_console vc;
};

static struct console *consoles[CONSOLES_MAX];
static unsigned nr_consoles;

/* ---- named ports as files ---- */

static error_t port_read(struct file *f, struct io *io, uint64_t *position)
{
    struct vport_file *vf = f->data;
    const uint8_t *at;
    error_t error = 0;

    (void)position;
    if (io_left(io) == 0)
        return 0;
    if (byte_ring_used(&vf->rx) == 0)
        return vf->port->host_open ? ERR_WOULD_BLOCK : 0;
    while (error == 0 && io_left(io) != 0 && byte_ring_used(&vf->rx) != 0) {
        uint64_t run = byte_ring_peek(&vf->rx, &at);
        run = run < io_left(io) ? run : io_left(io);
        uint64_t before = io->done;
        error = io_put(io, at, run);
        vf->rx.tail += (uint32_t)(io->done - before);
    }
    return error;
}

static error_t port_write(struct file *f, struct io *io, uint64_t *position)
{
    struct vport_file *vf = f->data;
    static uint8_t chunk[VPORT_TX_BYTES];
    error_t error = 0;

    (void)position;
    virtio_console_poll(vf->port->console);
    while (error == 0 && io_left(io) != 0 && vport_can_send(vf->port)) {
        uint64_t before = io->done;
        error = io_get(io, chunk, sizeof(chunk));
        (void)vport_send(vf->port, chunk, io->done - before);   /* a free buffer takes it all */
    }
    if (error != 0)
        return error;
    return io_left(io) == 0 && vport_idle(vf->port) ? 0 : ERR_WOULD_BLOCK;
}

static uint32_t port_poll(struct file *f, struct waiter *w)
{
    struct vport_file *vf = f->data;

    if (w != NULL && w->queue == NULL)
        waitq_add(&vf->waiters, w);
    return (byte_ring_used(&vf->rx) != 0 ? FS_POLLIN | FS_POLLRDNORM : 0) |
           (vport_can_send(vf->port) ? FS_POLLOUT | FS_POLLWRNORM : 0) |
           (vf->port->host_open ? 0 : FS_POLLHUP);
}

static const struct file_ops vport_ops = {
    .name = "vport",
    .read = port_read,
    .write = port_write,
    .poll = port_poll,
};

/* ---- console ports as terminals ---- */

static void hvc_start_tx(struct tty *t)
{
    struct vport_file *vf = t->driver_data;
    uint8_t chunk[512];
    size_t n;

    while (vport_can_send(vf->port) && (n = tty_take_output(t, chunk, sizeof(chunk))) != 0)
        (void)vport_send(vf->port, chunk, n);
}

static bool hvc_drained(struct tty *t)
{
    struct vport_file *vf = t->driver_data;
    return vport_idle(vf->port);
}

static const struct tty_driver hvc_driver = { .start_tx = hvc_start_tx, .drained = hvc_drained };

/* ---- what the driver tells ---- */

static bool is_named(const struct vport *port)
{
    return port->name[0] != '\0' && strchr(port->name, '/') == NULL && strcmp(port->name, ".") != 0 &&
           strcmp(port->name, "..") != 0;
}

static uint32_t minor_of(const struct vport *port)
{
    for (unsigned i = 0; i < nr_consoles; i++)
        if (&consoles[i]->vc == port->console)
            return i * VPORT_MAX + port->id;
    return nr_consoles * VPORT_MAX + port->id;      /* it is just being started */
}

static void path_of(char *path, const char *prefix, const char *name)
{
    size_t n = strlen(prefix);
    memcpy(path, prefix, n);    /* NOLINT(bugprone-not-null-terminated-result): the name comes behind it */
    memcpy(path + n, name, strlen(name) + 1);
}

static void make_console(struct vport *port, struct vport_file *vf)
{
    uint32_t minor = minor_of(port);
    char digit[2] = { (char)('0' + minor % 10), '\0' }, path[16];

    vf->tty = tty_new(&hvc_driver, vf, FS_MAKEDEV(HVC_MAJOR, minor));
    if (vf->tty == NULL)
        return;
    vf->tty->winsize = (struct tty_winsize){ .rows = 24, .cols = 80 };
    path_of(path, "hvc", digit);
    (void)devfs_add(path, 0620, 0, 5, vf->tty->rdev);
    if (tty_console == NULL)
        tty_console = vf->tty;
}

static void on_port_ready(struct vport *port)
{
    struct vport_file *vf = port->user;
    char path[16 + VPORT_NAME_BYTES];

    if (vf == NULL) {
        vf = calloc(1, sizeof(*vf));
        if (vf == NULL)
            return;
        vf->port = port;
        vf->rx = (struct byte_ring){ .data = vf->rx_data, .bytes = RX_RING_BYTES };
        waitq_init(&vf->waiters);
        port->user = vf;
    }
    if (port->is_console && vf->tty == NULL)
        make_console(port, vf);
    if (is_named(port)) {
        path_of(path, "vport/", port->name);
        (void)devfs_add(path, 0600, 0, 0, FS_MAKEDEV(VPORT_MAJOR, minor_of(port)));
    }
}

static void on_port_removed(struct vport *port)
{
    char path[16 + VPORT_NAME_BYTES];
    struct vport_file *vf = port->user;

    if (vf == NULL)
        return;
    if (is_named(port)) {
        path_of(path, "vport/", port->name);
        devfs_remove(path);
    }
    port->host_open = false;
    waitq_wake(&vf->waiters, FS_POLLHUP);
    if (vf->tty != NULL)
        tty_line_lost(vf->tty);
}

static void on_received(struct vport *port, const uint8_t *bytes, size_t n)
{
    struct vport_file *vf = port->user;

    if (vf == NULL)
        return;
    if (vf->tty != NULL) {
        (void)tty_receive(vf->tty, bytes, n);
        return;
    }
    (void)byte_ring_append(&vf->rx, bytes, (uint32_t)n);    /* the rest is lost, as on a line */
    waitq_wake(&vf->waiters, FS_POLLIN | FS_POLLRDNORM);
}

static void on_sent(struct vport *port)
{
    struct vport_file *vf = port->user;

    if (vf == NULL)
        return;
    waitq_wake(&vf->waiters, FS_POLLOUT | FS_POLLWRNORM);
    if (vf->tty != NULL) {
        tty_start(vf->tty);
        tty_output_taken(vf->tty);
    }
}

static const struct virtio_console_ops console_ops = {
    .port_ready = on_port_ready,
    .port_removed = on_port_removed,
    .received = on_received,
    .sent = on_sent,
};

/* ---- starting, opening ---- */

static void on_interrupt(void *arg)
{
    struct console *c = arg;
    virtio_console_interrupt(&c->vc);
}

bool vport_start(const struct srv_device *d, struct dma_region *dma)
{
    if (nr_consoles == CONSOLES_MAX)
        return false;
    struct console *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return false;
    if (!virtio_probe(&c->device, d->address, dma) || c->device.device_id != VIRTIO_ID_CONSOLE ||
        !virtio_console_init(&c->vc, &c->device, &console_ops)) {
        free(c);
        return false;
    }
    consoles[nr_consoles++] = c;
    irq_attach(d, on_interrupt, c);
    return true;
}

static struct vport *find_named(const char *name)
{
    for (unsigned i = 0; i < nr_consoles; i++) {
        struct vport *port = virtio_console_port(&consoles[i]->vc, name);
        if (port != NULL && port->user != NULL)
            return port;
    }
    return NULL;
}

void vport_settle(ticks_t deadline)
{
    while (nr_consoles != 0 && exec_now() < deadline &&
           (find_named("atoll.stdout") == NULL || find_named("atoll.stderr") == NULL))
        for (unsigned i = 0; i < nr_consoles; i++)
            virtio_console_poll(&consoles[i]->vc);
}

bool vport_trace_ready(void)
{
    struct vport *port = find_named("atoll.trace");

    if (port == NULL)
        return false;
    virtio_console_poll(port->console);
    return vport_can_send(port);
}

void vport_trace_send(const void *bytes, size_t n)
{
    (void)vport_send(find_named("atoll.trace"), bytes, n);
}

struct file *vport_open_named(const char *name)
{
    struct vport *port = find_named(name);
    struct file *f;

    if (port == NULL || file_new(&vport_ops, O_RDWR, S_IFCHR | 0600, &f) != 0)
        return NULL;
    f->data = port->user;
    f->anon_ino = file_next_ino();
    return f;
}

static struct vport_file *by_minor(uint32_t minor)
{
    if (minor / VPORT_MAX >= nr_consoles)
        return NULL;
    return consoles[minor / VPORT_MAX]->vc.port[minor % VPORT_MAX].user;
}

error_t vport_open(struct inode *inode, struct file *f, struct process *p)
{
    struct vport_file *vf = by_minor(FS_MINOR(inode->rdev));

    (void)p;
    if (vf == NULL || !vf->port->added)
        return ERR_NO_ADDRESS;
    f->ops = &vport_ops;
    f->data = vf;
    return 0;
}

struct tty *hvc_tty(uint32_t minor)
{
    struct vport_file *vf = by_minor(minor);
    return vf == NULL ? NULL : vf->tty;
}

bool vport_all_idle(void)
{
    bool idle = true;

    for (unsigned i = 0; i < nr_consoles; i++) {
        struct virtio_console *vc = &consoles[i]->vc;
        virtio_console_poll(vc);
        for (uint32_t k = 0; k < vc->nr_ports; k++)
            idle = idle && (!vc->port[k].has_queues || vport_idle(&vc->port[k]));
    }
    return idle;
}
