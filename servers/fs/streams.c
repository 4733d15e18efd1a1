/* SPDX-License-Identifier: MIT */
/*
 * What fs starts of devices and streams, and what the first process gets as its
 * descriptors 0, 1 and 2: the console; or, under --exec, nothing to read and
 * the host's standard output and error: virtio ports, or streams of a link.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/drivers.h"
#include "peers.h"
#include "pipe.h"
#include "process.h"
#include "tty/pty.h"
#include "vfs.h"

#define TTY_MAJOR    4u
#define TTYAUX_MAJOR 5u
#define HVC_MAJOR    229u
#define PTS_MAJOR    136u
#define VPORT_MAJOR  242u
#define TTY_GROUP    5u

static uint32_t timebase_hz = 10000000;

uint32_t fs_tty_hz(void)
{
    return timebase_hz;
}

/* ---- opening terminals by number ---- */

static error_t uart_open(struct inode *inode, struct file *f, struct process *p)
{
    for (struct tty *t = tty_list; t != NULL; t = t->next)
        if (t->rdev == inode->rdev)
            return tty_attach_file(t, f, p, false);
    return ERR_NO_ADDRESS;
}

static error_t hvc_open(struct inode *inode, struct file *f, struct process *p)
{
    struct tty *t = hvc_tty(FS_MINOR(inode->rdev));
    return t == NULL ? ERR_NO_ADDRESS : tty_attach_file(t, f, p, false);
}

/* /dev/tty: the controlling terminal. */
static error_t ctty_open(struct inode *inode, struct file *f, struct process *p)
{
    struct tty *t = p == NULL ? NULL : tty_of_session(p->page->sid);

    (void)inode;
    if (t == NULL)
        return ERR_NO_ADDRESS;
    return tty_attach_file(t, f, NULL, false);
}

static error_t console_open(struct inode *inode, struct file *f, struct process *p)
{
    (void)inode;
    return tty_console == NULL ? ERR_NO_DEVICE : tty_attach_file(tty_console, f, p, true);
}

/* ---- start ---- */

static void register_drivers(void)
{
    (void)vfs_register_char(TTY_MAJOR, 64, 4, uart_open);
    (void)vfs_register_char(TTYAUX_MAJOR, 0, 1, ctty_open);
    (void)vfs_register_char(TTYAUX_MAJOR, 1, 1, console_open);
    (void)vfs_register_char(TTYAUX_MAJOR, 2, 1, ptmx_open);
    (void)vfs_register_char(PTS_MAJOR, 0, 256, pts_open);
    (void)vfs_register_char(HVC_MAJOR, 0, 32, hvc_open);
    (void)vfs_register_char(VPORT_MAJOR, 0, 32, vport_open);
    vfs_register_fifo(fifo_open);
}

static void add_nodes(void)
{
    (void)devfs_add("tty", 0666, 0, TTY_GROUP, FS_MAKEDEV(TTYAUX_MAJOR, 0));
    (void)devfs_add("console", 0600, 0, TTY_GROUP, FS_MAKEDEV(TTYAUX_MAJOR, 1));
    (void)devfs_add("ptmx", 0666, 0, TTY_GROUP, FS_MAKEDEV(TTYAUX_MAJOR, 2));
    (void)devfs_add("pts/ptmx", 0666, 0, TTY_GROUP, FS_MAKEDEV(TTYAUX_MAJOR, 2));
}

static void start_devices(const struct server_info *info, struct dma_region *dma)
{
    for (uint32_t i = 0; i < info->nr_devices; i++) {
        const struct srv_device *d = &info->device[i];
        if (strcmp(d->compatible, "atoll,dma") == 0)
            *dma = (struct dma_region){ .address = d->address, .paddr = d->paddr, .bytes = d->bytes };
    }
    for (uint32_t i = 0; i < info->nr_devices; i++) {
        const struct srv_device *d = &info->device[i];
        if (uart_chip_of(d) != NULL && tty_console == NULL) {
            tty_console = uart_tty_start(d);
            if (tty_console != NULL)
                (void)devfs_add("ttyS0", 0620, 0, TTY_GROUP, tty_console->rdev);
        } else if (uart_chip_of(d) != NULL && info->boot_flags & (BOOT_EXEC | BOOT_TRACE)) {
            (void)uart_link_start(d);
        } else if (strcmp(d->compatible, "virtio,mmio") == 0 && dma->bytes != 0) {
            (void)vport_start(d, dma);
        }
    }
}

error_t streams_init(const struct server_info *info)
{
    static struct dma_region dma;       /* the devices' for good */

    if (info->timebase_hz != 0)
        timebase_hz = info->timebase_hz;
    register_drivers();
    add_nodes();
    start_devices(info, &dma);
    if (info->boot_flags & BOOT_EXEC)
        vport_settle(exec_now() + timebase_hz);
    return 0;
}

/* ---- the first process ---- */

enum { LINK_STDOUT = 1, LINK_STDERR = 2 };      /* tools/atoll_build/run.py */

/* Takes over the reference, also when it fails. */
static error_t install(struct process *p, struct file *f)
{
    uint32_t fd;
    error_t error = fd_install(p, f, 0, &fd);

    if (error != 0)
        file_put(f);
    return error;
}

static struct file *open_path(const char *path, uint32_t flags)
{
    struct found found;
    struct file *f;

    if (vfs_lookup(NULL, FS_AT_FDCWD, path, LOOKUP_FOLLOW, &found) != 0 || found.path.dentry == NULL ||
        vfs_open_path(NULL, &found.path, flags, &f) != 0)
        return NULL;
    return f;
}

static struct file *open_stream(const char *port, uint8_t stream)
{
    struct file *f = vport_open_named(port);

    return f != NULL ? f : uart_link_open(stream);
}

static error_t exec_descriptors(struct process *p)
{
    struct file *all[] = {
        open_path("/dev/null", O_RDWR), open_stream("atoll.stdout", LINK_STDOUT), open_stream("atoll.stderr", LINK_STDERR),
    };
    error_t error = all[0] == NULL || all[1] == NULL || all[2] == NULL ? ERR_NO_DEVICE : 0;

    for (unsigned i = 0; i < 3; i++) {
        if (error == 0)
            error = install(p, all[i]);
        else if (all[i] != NULL)
            file_put(all[i]);
    }
    return error;
}

static error_t console_descriptors(struct process *p)
{
    struct file *f;
    error_t error = file_new(NULL, O_RDWR, S_IFCHR | 0600, &f);

    if (error != 0)
        return error;
    error = tty_console == NULL ? ERR_NO_DEVICE : tty_attach_file(tty_console, f, NULL, true);
    if (error != 0) {
        file_put(f);
        return error;
    }
    f->anon_ino = file_next_ino();
    error = install(p, file_get(f));
    if (error == 0)
        error = install(p, file_get(f));
    if (error == 0)
        error = install(p, file_get(f));
    file_put(f);
    return error;
}

error_t streams_first_descriptors(struct process *p)
{
    if ((fs_info->boot_flags & BOOT_EXEC) && exec_descriptors(p) == 0)
        return 0;
    struct file *console = tty_console == NULL ? NULL : open_path("/dev/console", O_RDWR);
    if (console == NULL)
        return console_descriptors(p);
    error_t error = install(p, file_get(console));
    if (error == 0)
        error = install(p, file_get(console));
    if (error == 0)
        error = install(p, file_get(console));
    file_put(console);
    return error;
}

/* ---- the end ---- */

void drivers_drain(ticks_t deadline)
{
    while ((!uart_tty_idle() || !uart_link_idle() || !vport_all_idle()) && exec_now() < deadline)
        continue;
}
