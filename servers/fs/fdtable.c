/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables.
 *
 * A table may be used by several processes (CLONE_FILES). What a process may
 * know without asking is published in its descriptor pages: the word of a
 * closed descriptor, of /dev/null and /dev/zero, and "ask fs" for all others.
 * Publishing covers descriptors below FD_WORDS.
 */
#include "fdtable.h"

#include <stdlib.h>
#include <string.h>

#include "inotify.h"
#include "lease.h"
#include "locks.h"
#include "mounts.h"

#define FIRST_SIZE 64u
#define FILES_MAX  65536u

void (*file_unwatch)(struct file *);

static struct file *all_files;
static uint32_t nr_files;
static uint64_t next_ino = 1;

/* ---- open files ---- */
uint64_t file_next_ino(void)
{
    return next_ino++;
}

error_t file_new(const struct file_ops *ops, uint32_t flags, uint32_t mode, struct file **out)
{
    struct file *f;

    if (nr_files >= FILES_MAX)
        return ERR_TABLE_FULL;
    f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NO_MEMORY;
    f->ops = ops;
    f->refs = 1;
    f->flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    f->anon_mode = mode;
    f->all_next = all_files;
    if (all_files)
        all_files->all_prev = f;
    all_files = f;
    nr_files++;
    *out = f;
    return 0;
}

void file_put(struct file *f)
{
    if (--f->refs)
        return;
    if (f->poll_links && file_unwatch)
        file_unwatch(f);
    if (f->locks)
        locks_file_released(f);
    file_changes(f);
    if (f->announced)
        file_event(f, file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    f->refs = 1;                /* release may look at the file through helpers */
    if (f->ops && f->ops->release)
        f->ops->release(f);
    if (f->inode) {
        if (file_writable(f)) {
            f->inode->nr_writers--;
            if (f->mnt && S_ISREG(f->inode->mode))
                f->mnt->nr_writers--;
        }
        inode_put(f->inode);
    }
    if (f->dentry)
        dentry_put(f->dentry);
    if (f->mnt)
        mount_put(f->mnt);
    if (f->all_prev)
        f->all_prev->all_next = f->all_next;
    else
        all_files = f->all_next;
    if (f->all_next)
        f->all_next->all_prev = f->all_prev;
    nr_files--;
    free(f);
}

struct file *file_all(void)
{
    return all_files;
}

/* ---- publishing ---- */
static void publish_word(struct fd_word *w, struct file *f)
{
    uint16_t kind = FD_CLOSED, flags = 0;

    if (f) {
        kind = f->ops->page_kind ? f->ops->page_kind : FD_REMOTE;
        if (file_readable(f))
            flags |= FDF_READ;
        if (file_writable(f))
            flags |= FDF_WRITE;
    }
    w->flags = flags;
    lease_bump(w);
    __atomic_store_n(&w->kind, kind, __ATOMIC_RELEASE);
}

void fd_publish(struct fd_table *t, uint32_t fd)
{
    if (fd >= FD_WORDS)
        return;
    for (struct process *p = t->users; p; p = p->table_next)
        publish_word(&p->fd_words[fd], t->entry[fd].file);
}

/* ---- tables ---- */
static bool table_grow(struct fd_table *t, uint32_t size)
{
    struct fd_entry *entry;
    uint64_t *used;

    entry = realloc(t->entry, size * sizeof *entry);
    if (!entry)
        return false;
    t->entry = entry;
    used = realloc(t->used, size / 64 * sizeof *used);
    if (!used)
        return false;
    t->used = used;
    memset(entry + t->size, 0, (size - t->size) * sizeof *entry);
    memset(used + t->size / 64, 0, (size - t->size) / 64 * sizeof *used);
    t->size = size;
    return true;
}

static struct fd_table *table_new_sized(uint32_t size)
{
    struct fd_table *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->refs = 1;
    if (!table_grow(t, size)) {
        free(t->entry);
        free(t->used);
        free(t);
        return NULL;
    }
    return t;
}

struct fd_table *fd_table_new(void)
{
    return table_new_sized(FIRST_SIZE);
}

/* One past the highest word of the bitmap in use, in descriptors. */
static uint32_t table_extent(const struct fd_table *t)
{
    uint32_t words = t->size / 64;

    while (words && !t->used[words - 1])
        words--;
    return words * 64;
}

struct fd_table *fd_table_copy(struct fd_table *from)
{
    uint32_t extent = table_extent(from);
    struct fd_table *t = table_new_sized(extent > FIRST_SIZE ? extent : FIRST_SIZE);

    if (!t)
        return NULL;
    memcpy(t->used, from->used, extent / 8);
    for (uint32_t i = 0; i < extent; i++) {
        t->entry[i] = from->entry[i];
        if (t->entry[i].file)
            file_get(t->entry[i].file);
    }
    t->lowest_free = from->lowest_free;
    t->nr_open = from->nr_open;
    return t;
}

/* The entry is taken out first: what closing does may look at the table. */
static void close_entry(struct fd_table *t, uint32_t fd, struct process *p)
{
    struct file *f = t->entry[fd].file;

    t->entry[fd] = (struct fd_entry){ 0 };
    t->used[fd / 64] &= ~(1ul << (fd % 64));
    t->nr_open--;
    if (fd < t->lowest_free)
        t->lowest_free = fd;
    fd_publish(t, fd);
    if (f->inode && f->inode->locks)
        locks_table_closed(t, f);
    if (f->ops && f->ops->close && p)
        f->ops->close(f, p);
    file_put(f);
}

void fd_table_put(struct fd_table *t, struct process *closer)
{
    uint32_t extent;

    if (--t->refs)
        return;
    extent = table_extent(t);
    for (uint32_t i = 0; i < extent; i++)
        if (t->entry[i].file)
            close_entry(t, i, closer);
    free(t->entry);
    free(t->used);
    free(t);
}

void fd_table_add_user(struct fd_table *t, struct process *p)
{
    uint32_t extent = table_extent(t);

    p->table_next = t->users;
    t->users = p;
    /* fd_table_remove_user cleared the slot's words, so only open ones differ. */
    for (uint32_t i = 0; i < extent && i < FD_WORDS; i++)
        if (t->entry[i].file)
            publish_word(&p->fd_words[i], t->entry[i].file);
}

void fd_table_remove_user(struct fd_table *t, struct process *p)
{
    uint32_t extent = table_extent(t);

    for (struct process **at = &t->users; *at; at = &(*at)->table_next) {
        if (*at == p) {
            *at = p->table_next;
            break;
        }
    }
    for (uint32_t i = 0; i < extent && i < FD_WORDS; i++)
        if (t->entry[i].file)
            publish_word(&p->fd_words[i], NULL);
}

error_t fd_table_unshare(struct process *p)
{
    struct fd_table *old = p->files, *t;

    if (old->refs == 1)
        return 0;
    t = fd_table_copy(old);
    if (!t)
        return ERR_NO_MEMORY;
    fd_table_remove_user(old, p);
    p->files = t;
    fd_table_add_user(t, p);
    fd_table_put(old, p);
    return 0;
}

void fd_table_close_on_exec(struct process *p)
{
    struct fd_table *t = p->files;

    for (uint32_t i = 0; i < t->size; i++) {
        if (!t->used[i / 64]) {
            i += 63 - i % 64;
            continue;
        }
        if (t->entry[i].file && (t->entry[i].flags & FD_FLAG_CLOEXEC))
            close_entry(t, i, p);
    }
}

/* ---- descriptors ---- */
static uint32_t fd_limit(struct process *p)
{
    uint64_t limit = process_limit(p, FS_RLIMIT_NOFILE);

    return limit > FS_FD_MAX ? FS_FD_MAX : (uint32_t)limit;
}

/* Lowest free descriptor at or above `from`, below size (or size). */
static uint32_t find_free(struct fd_table *t, uint32_t from)
{
    for (uint32_t word = from / 64; word < t->size / 64; word++) {
        uint64_t free_bits = ~t->used[word];

        if (word == from / 64)
            free_bits &= ~0ul << (from % 64);
        if (free_bits)
            return word * 64 + (uint32_t)__builtin_ctzl(free_bits);
    }
    return from > t->size ? from : t->size;
}

static bool table_fit(struct fd_table *t, uint32_t fd)
{
    uint32_t size = t->size;

    while (size <= fd)
        size *= 2;
    return size == t->size || table_grow(t, size);
}

static void put_entry(struct fd_table *t, uint32_t fd, struct file *f, uint32_t fd_flags)
{
    t->entry[fd] = (struct fd_entry){ f, fd_flags };
    t->used[fd / 64] |= 1ul << (fd % 64);
    t->nr_open++;
    fd_publish(t, fd);
}

error_t fd_alloc_from(struct process *p, struct file *f, uint32_t at_least, uint32_t fd_flags, uint32_t *out)
{
    struct fd_table *t = p->files;
    uint32_t from = at_least < t->lowest_free ? t->lowest_free : at_least;
    uint32_t fd = find_free(t, from);

    if (fd >= fd_limit(p))
        return ERR_TOO_MANY_FILES;
    if (!table_fit(t, fd))
        return ERR_NO_MEMORY;
    put_entry(t, fd, f, fd_flags);
    if (from == t->lowest_free)
        t->lowest_free = fd + 1;
    *out = fd;
    return 0;
}

error_t fd_install(struct process *p, struct file *f, uint32_t fd_flags, uint32_t *fd)
{
    return fd_alloc_from(p, f, 0, fd_flags, fd);
}

struct file *fd_lookup_any(struct process *p, int32_t fd)
{
    struct fd_table *t = p->files;

    return (uint32_t)fd < t->size ? t->entry[fd].file : NULL;
}

struct file *fd_lookup(struct process *p, int32_t fd)
{
    struct file *f = fd_lookup_any(p, fd);

    return f && !(f->flags & O_PATH) ? f : NULL;
}

error_t fd_close(struct process *p, int32_t fd)
{
    if (!fd_lookup_any(p, fd))
        return ERR_BAD_HANDLE;
    close_entry(p->files, (uint32_t)fd, p);
    return 0;
}

/* ---- requests ---- */
error_t fs_serve_close(struct rpc_call *call, const struct fs_close_in *in, struct fs_close_out *out)
{
    struct process *p = request_process(call);

    (void)out;
    close_entry(p->files, in->fd_handle, p);
    return 0;
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

error_t fs_serve_close_range(struct rpc_call *call, const struct fs_close_range_in *in, struct fs_close_range_out *out)
{
    struct process *p = process_of(call);
    struct fd_table *t;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (in->first > in->last || (in->flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
        return ERR_INVALID_ARGUMENT;
    if (in->flags & CLOSE_RANGE_UNSHARE) {
        error_t e = fd_table_unshare(p);

        if (e)
            return e;
    }
    t = p->files;
    for (uint32_t i = in->first; i < t->size && i <= in->last; i++) {
        if (!t->entry[i].file)
            continue;
        if (in->flags & CLOSE_RANGE_CLOEXEC)
            t->entry[i].flags |= FD_FLAG_CLOEXEC;
        else
            close_entry(t, i, p);
    }
    return 0;
}

/* exactly >= 0: dup2, dup3 (equal descriptors are the personality's to refuse for dup3); else F_DUPFD.
 * flags: O_CLOEXEC. */
error_t fs_serve_dup(struct rpc_call *call, const struct fs_dup_in *in, struct fs_dup_out *out)
{
    struct process *p = request_process(call);
    uint32_t fd_flags = in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0;
    struct file *f = handle_file(in->fd);
    error_t e;

    if (in->exactly < 0) {
        if (in->at_least < 0 || (uint32_t)in->at_least >= fd_limit(p))
            return ERR_INVALID_ARGUMENT;
        e = fd_alloc_from(p, file_get(f), (uint32_t)in->at_least, fd_flags, &out->fd);
        if (e)
            file_put(f);
        return e;
    }
    out->fd = (uint32_t)in->exactly;
    if ((uint32_t)in->exactly == in->fd_handle)
        return 0;
    if ((uint32_t)in->exactly >= fd_limit(p))
        return ERR_BAD_HANDLE;
    if (!table_fit(p->files, (uint32_t)in->exactly))
        return ERR_NO_MEMORY;
    file_get(f);
    if (p->files->entry[in->exactly].file)
        close_entry(p->files, (uint32_t)in->exactly, p);
    put_entry(p->files, (uint32_t)in->exactly, f, fd_flags);
    return 0;
}

#define F_GETFD 1u
#define F_SETFD 2u
#define F_GETFL 3u
#define F_SETFL 4u
#define F_SETOWN 8u
#define F_GETOWN 9u
#define F_SETSIG 10u
#define F_GETSIG 11u
#define F_DUPFD 0u
#define F_DUPFD_CLOEXEC 1030u

static error_t set_flags(struct file *f, uint32_t wanted)
{
    const uint32_t settable = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME;
    uint32_t flags = (f->flags & ~settable) | (wanted & settable);
    error_t e = 0;

    if (f->ops->set_flags)
        e = f->ops->set_flags(f, flags);
    if (!e)
        f->flags = flags;
    return e;
}

error_t fs_serve_fcntl(struct rpc_call *call, const struct fs_fcntl_in *in, struct fs_fcntl_out *out)
{
    struct process *p = request_process(call);
    struct file *f = handle_file(in->fd);
    uint32_t fd;
    error_t e;

    out->result = 0;
    switch (in->command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (in->argument >= fd_limit(p))
            return ERR_INVALID_ARGUMENT;
        e = fd_alloc_from(p, file_get(f), (uint32_t)in->argument, in->command == F_DUPFD ? 0 : FD_FLAG_CLOEXEC, &fd);
        if (e)
            file_put(f);
        else
            out->result = fd;
        return e;
    case F_GETFD: out->result = p->files->entry[in->fd_handle].flags & FD_FLAG_CLOEXEC; return 0;
    case F_SETFD: p->files->entry[in->fd_handle].flags = in->argument & FD_FLAG_CLOEXEC; return 0;
    case F_GETFL: out->result = f->flags | ((f->flags & O_PATH) ? 0 : O_LARGEFILE); return 0;
    }
    if (f->flags & O_PATH)
        return ERR_BAD_HANDLE;
    switch (in->command) {
    case F_SETFL: return set_flags(f, (uint32_t)in->argument);
    case F_SETOWN: f->owner_pid = (uint32_t)in->argument; return 0;
    case F_GETOWN: out->result = (uint64_t)(int64_t)(int32_t)f->owner_pid; return 0;
    case F_SETSIG:
        if (in->argument > 64)
            return ERR_INVALID_ARGUMENT;
        f->owner_signal = (uint32_t)in->argument;
        return 0;
    case F_GETSIG: out->result = f->owner_signal; return 0;
    }
    return f->ops->fcntl ? f->ops->fcntl(f, p, in->command, in->argument, &out->result) : ERR_INVALID_ARGUMENT;
}
