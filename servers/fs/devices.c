/* SPDX-License-Identifier: MIT */
/*
 * Memory devices of major 1 (null 3, zero 5, full 7, random 8, urandom 9,
 * kmsg 11) and the registry of character devices and FIFOs.
 */
#include "devices.h"

#include <string.h>

#include <libipc/syscall.h>

#include "mounts.h"
#include "process.h"
#include "random.h"
#include "segments.h"

static error_t null_read(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)io, (void)position;
    return 0;
}

static error_t null_write(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)position;
    io_skip(io, io_left(io));
    return 0;
}

static error_t null_seek(struct file *f, int64_t offset, uint32_t whence, uint64_t *position)
{
    (void)offset, (void)whence;
    f->offset = *position = 0;
    return 0;
}

static error_t zero_read(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)position;
    return io_put_zeros(io, io_left(io));
}

/* Private mappings are demand-zero memory; shared ones a Segment that lives as long as it is mapped. */
static error_t zero_mmap(struct file *f, struct process *p, const struct file_mapping *m)
{
    struct segment *s;
    error_t e;

    (void)f;
    if (!(m->flags & VM_SHARED))
        return sys_invoke(CAP_IN(SRV_CAP_CLIENT_VSPACES, p->slot), VSPACE_RESERVE, m->address, m->length,
                          m->prot | (m->flags & VM_REPLACE), 0, 0, NULL);
    e = seg_new(&s);
    if (e)
        return e;
    e = seg_resize(s, m->length / PAGE_BYTES);
    if (!e)
        e = seg_map(s, p->slot, m->address, m->length, m->prot | m->flags, 0, true);
    seg_free(s);
    return e;
}

static error_t full_write(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)position;
    return io_left(io) ? ERR_NO_SPACE : 0;
}

static error_t random_read(struct file *f, struct io *io, uint64_t *position)
{
    uint8_t chunk[512];
    error_t e = 0;

    (void)f, (void)position;
    while (!e && io_left(io)) {
        uint64_t n = io_left(io) < sizeof chunk ? io_left(io) : sizeof chunk;

        random_bytes(chunk, n);
        e = io_put(io, chunk, n);
    }
    return e;
}

static error_t random_write(struct file *f, struct io *io, uint64_t *position)
{
    uint8_t chunk[512];
    error_t e = 0;

    (void)f, (void)position;
    while (!e && io_left(io)) {
        uint64_t n = io_left(io) < sizeof chunk ? io_left(io) : sizeof chunk;

        e = io_get(io, chunk, n);
        if (!e)
            random_mix(chunk, n);
    }
    return e;
}

#define RNDGETENTCNT 0x80045200u

static error_t random_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument,
                            uint64_t *result)
{
    uint32_t bits = 256;

    (void)f;
    *result = 0;
    return command == RNDGETENTCNT ? rpc_client_write(call, argument, &bits, sizeof bits) : ERR_NOT_TTY;
}

/* Log lines of programs go to the system log. */
static error_t kmsg_write(struct file *f, struct io *io, uint64_t *position)
{
    char line[256];
    error_t e = 0;

    (void)f, (void)position;
    while (!e && io_left(io)) {
        uint64_t n = io_left(io) < sizeof line ? io_left(io) : sizeof line;

        e = io_get(io, line, n);
        if (!e)
            sys_debug_write(SRV_CAP_PLATFORM, line, n);
    }
    return e;
}

static const struct file_ops null_file_ops = { .name = "null", .page_kind = FD_NULL, .read = null_read,
                                               .write = null_write, .seek = null_seek };
static const struct file_ops zero_file_ops = { .name = "zero", .page_kind = FD_ZERO, .read = zero_read,
                                               .write = null_write, .seek = null_seek, .mmap = zero_mmap };
static const struct file_ops full_file_ops = { .name = "full", .read = zero_read, .write = full_write,
                                               .seek = null_seek };
static const struct file_ops random_file_ops = { .name = "random", .read = random_read, .write = random_write,
                                                 .seek = null_seek, .ioctl = random_ioctl };
static const struct file_ops kmsg_file_ops = { .name = "kmsg", .read = null_read, .write = kmsg_write };

static error_t memory_open(struct inode *i, struct file *f, struct process *p)
{
    (void)p;
    switch (FS_MINOR(i->rdev)) {
    case 3: f->ops = &null_file_ops; return 0;
    case 5: f->ops = &zero_file_ops; return 0;
    case 7: f->ops = &full_file_ops; return 0;
    case 8:
    case 9: f->ops = &random_file_ops; return 0;
    case 11: f->ops = &kmsg_file_ops; return 0;
    }
    return ERR_NO_ADDRESS;
}

/* ---- the registry ---- */
#define NR_DRIVERS 32u
static struct { uint32_t major, first, count; special_open_fn open; } drivers[NR_DRIVERS];
static unsigned nr_drivers;
static special_open_fn fifo_open;

error_t vfs_register_char(uint32_t major, uint32_t first, uint32_t count, special_open_fn open)
{
    if (nr_drivers == NR_DRIVERS)
        return ERR_NO_MEMORY;
    drivers[nr_drivers].major = major;
    drivers[nr_drivers].first = first;
    drivers[nr_drivers].count = count;
    drivers[nr_drivers++].open = open;
    return 0;
}

void vfs_register_fifo(special_open_fn open)
{
    fifo_open = open;
}

error_t vfs_open_special(struct inode *i, struct file *f, struct process *p)
{
    uint32_t major = FS_MAJOR(i->rdev), minor = FS_MINOR(i->rdev);

    if (S_ISFIFO(i->mode))
        return fifo_open ? fifo_open(i, f, p) : ERR_NO_ADDRESS;
    if (!S_ISCHR(i->mode))
        return ERR_NO_ADDRESS;
    if (f->mnt && (f->mnt->flags & MS_NODEV))
        return ERR_ACCESS;
    for (unsigned k = 0; k < nr_drivers; k++)
        if (drivers[k].major == major && minor - drivers[k].first < drivers[k].count)
            return drivers[k].open(i, f, p);
    return ERR_NO_ADDRESS;
}

void devices_init(void)
{
    (void)vfs_register_char(1, 0, 16, memory_open);
}
