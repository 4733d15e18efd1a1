/* SPDX-License-Identifier: MIT */
/*
 * A UART beside the console as a link to the host that started this machine:
 * several streams of bytes, where there are no virtio ports for them. What goes
 * out is a sequence of frames: a byte, the stream's number; two bytes, little
 * endian, how many follow; those. Nothing is read from it.
 *
 * As with a port, a write is finished when the device has taken the bytes: so
 * what a program has written under --exec is out before the machine halts.
 */
#include <stdlib.h>

#include "../process.h"
#include "../tty/byte_ring.h"
#include "../vfs.h"
#include "drivers.h"
#include "uart.h"

#define RING_BYTES 16384u       /* more than a frame of the trace               */
#define HEAD_BYTES 3u
#define FRAME_MAX  4096u

struct uart_link {
    struct uart uart;
    struct byte_ring tx;
    uint8_t tx_data[RING_BYTES];
    struct waitq waiters;
};

static struct uart_link *the_link;

/* ---- the device's side ---- */

static size_t discard(void *owner, const uint8_t *bytes, size_t n)
{
    (void)owner, (void)bytes;
    return n;
}

static size_t discard_room(void *owner)
{
    (void)owner;
    return RING_BYTES;
}

static void ignore_break(void *owner)
{
    (void)owner;
}

static size_t next_tx(void *owner, uint8_t *bytes, size_t n)
{
    struct uart_link *l = owner;

    return byte_ring_get(&l->tx, bytes, (uint32_t)n);
}

static const struct uart_ops link_ops = {
    .receive = discard,
    .receive_room = discard_room,
    .receive_break = ignore_break,
    .next_tx = next_tx,
};

static bool is_idle(const struct uart_link *l)
{
    return byte_ring_used(&l->tx) == 0 && l->uart.chip->drained(&l->uart);
}

static void on_interrupt(void *arg)
{
    struct uart_link *l = arg;

    l->uart.chip->interrupt(&l->uart);
    if (byte_ring_used(&l->tx) == 0)
        waitq_wake(&l->waiters, FS_POLLOUT | FS_POLLWRNORM);
}

/* ---- frames ---- */

/* Payload that has room behind a head. */
static uint32_t frame_room(const struct uart_link *l)
{
    uint32_t room = byte_ring_room(&l->tx);

    return room <= HEAD_BYTES ? 0 : room - HEAD_BYTES < FRAME_MAX ? room - HEAD_BYTES : FRAME_MAX;
}

/* n at most frame_room(). */
static void put_frame(struct uart_link *l, uint8_t stream, const void *bytes, uint32_t n)
{
    uint8_t head[HEAD_BYTES] = { stream, (uint8_t)n, (uint8_t)(n >> 8) };

    (void)byte_ring_append(&l->tx, head, HEAD_BYTES);
    (void)byte_ring_append(&l->tx, bytes, n);
    l->uart.chip->kick(&l->uart);
}

bool uart_link_ready(uint32_t n)
{
    return the_link != NULL && frame_room(the_link) >= n;
}

void uart_link_send(uint8_t stream, const void *bytes, uint32_t n)
{
    put_frame(the_link, stream, bytes, n);
}

/* ---- streams as files ---- */

static error_t link_read(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)io, (void)position;
    return 0;       /* the end: the host sends nothing */
}

static error_t link_write(struct file *f, struct io *io, uint64_t *position)
{
    static uint8_t chunk[FRAME_MAX];
    error_t error = 0;
    uint32_t room;

    (void)position;
    while (error == 0 && io_left(io) != 0 && (room = frame_room(the_link)) != 0) {
        uint64_t before = io->done;

        error = io_get(io, chunk, io_left(io) < room ? io_left(io) : room);
        if (io->done != before)
            put_frame(the_link, (uint8_t)(uintptr_t)f->data, chunk, (uint32_t)(io->done - before));
    }
    if (error != 0)
        return error;
    return io_left(io) == 0 && is_idle(the_link) ? 0 : ERR_WOULD_BLOCK;
}

static uint32_t link_poll(struct file *f, struct waiter *w)
{
    (void)f;
    if (w != NULL && w->queue == NULL)
        waitq_add(&the_link->waiters, w);
    return frame_room(the_link) != 0 ? FS_POLLOUT | FS_POLLWRNORM : 0;
}

static const struct file_ops link_file_ops = {
    .name = "link",
    .read = link_read,
    .write = link_write,
    .poll = link_poll,
};

struct file *uart_link_open(uint8_t stream)
{
    struct file *f;

    if (the_link == NULL || file_new(&link_file_ops, O_RDWR, S_IFCHR | 0600, &f) != 0)
        return NULL;
    f->data = (void *)(uintptr_t)stream;
    f->anon_ino = file_next_ino();
    return f;
}

/* ---- starting, ending ---- */

bool uart_link_start(const struct srv_device *d)
{
    const struct uart_chip *chip = uart_chip_of(d);
    struct uart_link *l = chip != NULL && the_link == NULL ? calloc(1, sizeof *l) : NULL;

    if (l == NULL)
        return false;
    l->tx = (struct byte_ring){ .data = l->tx_data, .bytes = RING_BYTES };
    waitq_init(&l->waiters);
    uart_init(&l->uart, chip, d->address, &link_ops, l);
    irq_attach(d, on_interrupt, l);
    the_link = l;
    return true;
}

bool uart_link_idle(void)
{
    if (the_link == NULL || is_idle(the_link))
        return true;
    the_link->uart.chip->interrupt(&the_link->uart);    /* nobody may be waiting for the real one */
    return false;
}
