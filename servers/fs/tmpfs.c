/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: contents of regular files in Segments.
 *
 * Invariants of a regular file with a Segment:
 *   - bytes beyond `size` that the Segment holds are zero, unless the file is
 *     mapped: then the rest of the last page may have been written through a
 *     mapping, and is zeroed when the file grows over it;
 *   - pages beyond private_[0] (the high mark) were never written by fs;
 *   - once `mapped`, the Segment has exactly the pages of `size`, so touching
 *     beyond is SIGBUS; before, it may be larger (growing in steps) or smaller
 *     (a hole at the end).
 * data_pages counts pages below the high mark that writes have passed over;
 * it is what st_blocks and the limit of the file system go by.
 */
#include "tmpfs.h"

#include <stdlib.h>
#include <string.h>

#include "lease.h"
#include "process.h"
#include "segments.h"

#define SIZE_MAX_BYTES (1ul << 45)
#define GROW_MAX_PAGES 1024ul
#define F_SEAL_SHRINK 2u
#define F_SEAL_GROW   4u
#define F_SEAL_WRITE  8u
#define F_SEAL_FUTURE_WRITE 16u

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

#define high_pages(i) ((i)->private_[0])

/* ---- contents ---- */
/* The Segment has at least the pages of `end`; makes it. */
static error_t cover(struct inode *i, uint64_t end)
{
    uint64_t need = pages_of(end), want = need;
    error_t e;

    if (!i->segment) {
        e = seg_new(&i->segment);
        if (e)
            return e;
    }
    if (need <= i->segment->nr_pages)
        return 0;
    if (!i->mapped && need > 1) {
        uint64_t step = i->segment->nr_pages < GROW_MAX_PAGES ? i->segment->nr_pages : GROW_MAX_PAGES;

        want = need + step;
    }
    return seg_resize(i->segment, want);
}

/* Account for pages [first, last] about to be written. */
static error_t charge(struct inode *i, uint64_t first, uint64_t last)
{
    uint64_t from = first > high_pages(i) ? first : high_pages(i), n = last + 1 > from ? last + 1 - from : 0;

    if (!n)
        return 0;
    if (i->sb->nr_pages + n > i->sb->max_pages)
        return ERR_NO_SPACE;
    i->sb->nr_pages += n;
    i->data_pages += n;
    high_pages(i) = last + 1;
    return 0;
}

static void uncharge(struct inode *i, uint64_t n)
{
    if (n > i->data_pages)
        n = i->data_pages;
    i->data_pages -= n;
    i->sb->nr_pages -= n;
}

/* The size goes from i->size to `size` (larger): what lies between reads as zero. */
static error_t extend(struct inode *i, uint64_t size)
{
    uint64_t tail = i->size % PAGE_BYTES;
    error_t e = 0;

    if (i->mapped && i->segment && tail && i->size < i->segment->nr_pages * PAGE_BYTES)
        e = seg_zero(i->segment, i->size, PAGE_BYTES - tail);
    if (!e && i->mapped && i->segment && pages_of(size) > i->segment->nr_pages)
        e = seg_resize(i->segment, pages_of(size));
    if (!e)
        i->size = size;
    return e;
}

error_t tmpfs_truncate(struct inode *i, uint64_t length)
{
    uint64_t pages = pages_of(length);
    error_t e = 0;

    if (length > SIZE_MAX_BYTES)
        return ERR_FILE_TOO_BIG;
    inode_changes(i);
    if (length > i->size) {
        e = (i->seals & F_SEAL_GROW) ? ERR_PERMISSION : extend(i, length);
    } else if (length < i->size) {
        if (i->seals & F_SEAL_SHRINK)
            return ERR_PERMISSION;
        if (i->segment && pages < i->segment->nr_pages)
            e = seg_resize(i->segment, pages);
        if (!e && i->segment && length % PAGE_BYTES && pages <= i->segment->nr_pages)
            e = seg_zero(i->segment, length, PAGE_BYTES - length % PAGE_BYTES);
        if (e)
            return e;
        if (high_pages(i) > pages) {
            uncharge(i, high_pages(i) - pages);
            high_pages(i) = pages;
        }
        if (!pages)
            uncharge(i, i->data_pages);
        i->size = length;
    }
    if (!e)
        i->mtime = i->ctime = fs_now();
    return e;
}

static error_t tmpfs_read(struct file *f, struct io *io, uint64_t *position)
{
    struct inode *i = f->inode;
    uint64_t at = *position, n = io_left(io), held, done = io->done;
    error_t e = 0;

    if (at >= i->size)
        return 0;
    if (n > i->size - at)
        n = i->size - at;
    held = i->segment ? i->segment->nr_pages * PAGE_BYTES : 0;
    if (at < held)
        e = io_put_segment(io, i->segment, at, n < held - at ? n : held - at);
    done = io->done - done;
    if (!e && done < n) {
        uint64_t before = io->done;

        e = io_put_zeros(io, n - done);
        done += io->done - before;
    }
    *position = at + done;
    if (!(f->flags & O_NOATIME) && done)
        vfs_accessed(i);
    return e;
}

static error_t write_limit(struct inode *i, struct process *p, uint64_t at, uint64_t *n)
{
    uint64_t limit = p ? process_limit(p, FS_RLIMIT_FSIZE) : UINT64_MAX;

    if (limit > SIZE_MAX_BYTES)
        limit = SIZE_MAX_BYTES;
    if (at >= limit)
        return ERR_FILE_TOO_BIG;
    if (*n > limit - at)
        *n = limit - at;
    if (i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return ERR_PERMISSION;
    if ((i->seals & F_SEAL_GROW) && at + *n > i->size) {
        if (at >= i->size)
            return ERR_PERMISSION;
        *n = i->size - at;
    }
    return 0;
}

/* All that a write of *n bytes at `at` needs: limits, room, zeros before it. */
__attribute__((noinline)) static error_t prepare_write(struct inode *i, struct process *p, uint64_t at, uint64_t *n)
{
    error_t e = write_limit(i, p, at, n);

    if (!e && at > i->size)
        e = extend(i, at);
    if (!e)
        e = charge(i, at / PAGE_BYTES, (at + *n - 1) / PAGE_BYTES);
    if (!e)
        e = cover(i, at + *n);
    if (!e && i->mapped && at + *n > i->size && i->size % PAGE_BYTES)
        e = seg_zero(i->segment, i->size, PAGE_BYTES - i->size % PAGE_BYTES);
    return e;
}

/* Nothing to prepare: inside what the file has, and fs has written before. */
static inline bool within(const struct inode *i, const struct process *p, uint64_t at, uint64_t n)
{
    uint64_t end = at + n;

    return end >= n && end <= i->size && end <= high_pages(i) * PAGE_BYTES && !i->seals && i->segment &&
           end <= i->segment->nr_pages * PAGE_BYTES && (!p || end <= process_limit(p, FS_RLIMIT_FSIZE));
}

static error_t tmpfs_write(struct file *f, struct io *io, uint64_t *position)
{
    struct inode *i = f->inode;
    uint64_t n = io_left(io), before = io->done, at, moved;
    struct process *p = io_process(io);
    error_t e;

    if (f->flags & O_APPEND)
        *position = i->size;
    at = *position;
    if (!n)
        return 0;
    inode_changes(i);
    if (!within(i, p, at, n)) {
        e = prepare_write(i, p, at, &n);
        if (e)
            return e;
    }
    e = io_get_segment(io, i->segment, at, n);
    moved = io->done - before;
    *position = at + moved;
    if (*position > i->size)
        i->size = *position;
    else if (e && i->mapped && pages_of(i->size) < i->segment->nr_pages)
        (void)seg_resize(i->segment, pages_of(i->size));
    if (moved)
        vfs_wrote(p, i);
    return e;
}

error_t tmpfs_fill(struct inode *i, const void *data, uint64_t bytes)
{
    error_t e = charge(i, 0, bytes ? (bytes - 1) / PAGE_BYTES : 0);

    if (!bytes)
        return 0;
    if (!e)
        e = seg_new(&i->segment);
    if (!e)
        e = seg_resize(i->segment, pages_of(bytes));
    if (!e)
        e = seg_write(i->segment, 0, data, bytes);
    if (!e)
        i->size = bytes;
    return e;
}

error_t seek_generic(struct file *f, int64_t offset, uint32_t whence, uint64_t size, uint64_t *position)
{
    int64_t base;

    switch (whence) {
    case 0: base = 0; break;
    case 1: base = (int64_t)f->offset; break;
    case 2: base = (int64_t)size; break;
    default: return ERR_INVALID_ARGUMENT;
    }
    if (__builtin_add_overflow(base, offset, &base))
        return ERR_OVERFLOW;
    if (base < 0)
        return ERR_INVALID_ARGUMENT;
    f->offset = *position = (uint64_t)base;
    return 0;
}

/* Data is what lies below the high mark, the rest a hole. */
static error_t tmpfs_seek(struct file *f, int64_t offset, uint32_t whence, uint64_t *position)
{
    struct inode *i = f->inode;
    uint64_t data_end = high_pages(i) * PAGE_BYTES < i->size ? high_pages(i) * PAGE_BYTES : i->size;

    if (i->mapped)
        data_end = i->size;
    if (whence != 3 && whence != 4)
        return seek_generic(f, offset, whence, i->size, position);
    if (offset < 0 || (uint64_t)offset >= i->size)
        return ERR_NO_ADDRESS;
    if (whence == 3 && (uint64_t)offset >= data_end)
        return ERR_NO_ADDRESS;
    f->offset = *position = whence == 3 || (uint64_t)offset >= data_end ? (uint64_t)offset : data_end;
    return 0;
}

#define FALLOC_FL_KEEP_SIZE  1u
#define FALLOC_FL_PUNCH_HOLE 2u
#define FALLOC_FL_ZERO_RANGE 16u

/* Zero [at, end), inside the size; the kernel frees whole pages of it. */
static error_t zero_range(struct inode *i, uint64_t at, uint64_t end)
{
    uint64_t held = i->segment ? i->segment->nr_pages * PAGE_BYTES : 0;

    if (end > held)
        end = held;
    return at < end ? seg_zero(i->segment, at, end - at) : 0;
}

static error_t tmpfs_fallocate(struct file *f, uint32_t mode, uint64_t offset, uint64_t length)
{
    struct inode *i = f->inode;
    uint64_t end = offset + length, first, last;
    error_t e = 0;

    if (!length || end < offset || end > INT64_MAX)
        return end > INT64_MAX && length ? ERR_FILE_TOO_BIG : ERR_INVALID_ARGUMENT;
    if (end > SIZE_MAX_BYTES)
        return ERR_FILE_TOO_BIG;
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return ERR_NOT_SUPPORTED;
    if (i->seals & F_SEAL_WRITE)
        return ERR_PERMISSION;
    inode_changes(i);
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        if (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE))
            return ERR_NOT_SUPPORTED;
        e = zero_range(i, offset, end < i->size ? end : i->size);
        first = pages_of(offset);
        last = end / PAGE_BYTES < high_pages(i) ? end / PAGE_BYTES : high_pages(i);
        if (!e && first < last)
            uncharge(i, last - first);
    } else {
        if (end > i->size && !(mode & FALLOC_FL_KEEP_SIZE) && (i->seals & F_SEAL_GROW))
            return ERR_PERMISSION;
        if (mode & FALLOC_FL_ZERO_RANGE)
            e = zero_range(i, offset, end < i->size ? end : i->size);
        if (!e)
            e = charge(i, offset / PAGE_BYTES, (end - 1) / PAGE_BYTES);
        if (!e && end > i->size && !(mode & FALLOC_FL_KEEP_SIZE))
            e = extend(i, end);
    }
    if (!e)
        i->mtime = i->ctime = fs_now();
    return e;
}

static error_t tmpfs_mmap(struct file *f, struct process *p, const struct file_mapping *m)
{
    struct inode *i = f->inode;
    bool may_write = file_writable(f) && !(i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
    error_t e = 0;

    if (!i->segment)
        e = seg_new(&i->segment);
    if (!e && i->segment->nr_pages != pages_of(i->size))
        e = seg_resize(i->segment, pages_of(i->size));
    if (e)
        return e;
    i->mapped = true;
    if (may_write && (m->flags & VM_SHARED))
        high_pages(i) = high_pages(i) > pages_of(i->size) ? high_pages(i) : pages_of(i->size);
    return seg_map(i->segment, p->slot, m->address, m->length, m->prot | m->flags, m->offset / PAGE_BYTES,
                       may_write);
}

/*
 * Only what is there altogether: touching a hole through a mapping would make a
 * page of it that nobody is charged for. Windows are read-only and readers know
 * the size, so the Segment need not have exactly the pages of the file: growing
 * stays as cheap as without (`mapped` is not set). memfds count their mappings
 * for F_SEAL_WRITE and get no windows.
 */
static error_t tmpfs_map_window(struct file *f, struct process *p, uint64_t address, uint64_t *bytes)
{
    struct inode *i = f->inode;
    uint64_t n = i->size < *bytes ? i->size : *bytes;
    error_t e;

    if (!n || !i->segment || i->memfd || i->data_pages < pages_of(i->size) || i->segment->nr_pages < pages_of(i->size))
        return ERR_NO_DEVICE;
    e = seg_map(i->segment, p->slot, address, pages_of(n) * PAGE_BYTES, VM_READ | VM_SHARED | VM_NO_CLONE | VM_REPLACE, 0,
                false);
    if (!e && !(f->flags & O_NOATIME))
        vfs_accessed(i);
    *bytes = n;
    return e;
}

static error_t tmpfs_file_truncate(struct file *f, uint64_t length)
{
    return tmpfs_truncate(f->inode, length);
}

#define F_ADD_SEALS 1033u
#define F_GET_SEALS 1034u
#define F_SEAL_SEAL 1u

static error_t tmpfs_fcntl(struct file *f, struct process *p, uint32_t command, uint64_t argument, uint64_t *result)
{
    struct inode *i = f->inode;
    struct segment_info info;

    (void)p;
    if (!i->memfd || (command != F_ADD_SEALS && command != F_GET_SEALS))
        return ERR_INVALID_ARGUMENT;
    if (command == F_GET_SEALS) {
        *result = i->seals;
        return 0;
    }
    if (!file_writable(f) || (i->seals & F_SEAL_SEAL))
        return ERR_PERMISSION;
    if (argument & ~0x1ful)
        return ERR_INVALID_ARGUMENT;
    if ((argument & F_SEAL_WRITE) && i->segment && i->mapped && !seg_info(i->segment, &info) && info.nr_mappings)
        return ERR_BUSY;
    i->seals |= (uint32_t)argument;
    return 0;
}

const struct file_ops tmpfs_file_ops = {
    .name = "file",
    .page_kind = FD_FILE,
    .read = tmpfs_read,
    .write = tmpfs_write,
    .seek = tmpfs_seek,
    .truncate = tmpfs_file_truncate,
    .fallocate = tmpfs_fallocate,
    .mmap = tmpfs_mmap,
    .map_window = tmpfs_map_window,
    .fcntl = tmpfs_fcntl,
};

/* ---- directories ---- */
bool dirent_put(struct io *io, uint64_t ino, uint64_t next, uint32_t mode, const char *name, size_t len, error_t *error)
{
    struct { uint64_t ino; int64_t next; uint16_t record; uint8_t type; char name[FS_NAME_MAX + 1 + 8]; } d;
    size_t bytes = (offsetof(__typeof__(d), name) + len + 1 + 7) & ~7ul;

    *error = 0;
    if (bytes > io_left(io))
        return false;
    memset((char *)&d + bytes - 8, 0, 8);
    d.ino = ino;
    d.next = (int64_t)next;
    d.record = (uint16_t)bytes;
    d.type = (uint8_t)((mode & S_IFMT) >> 12);
    memcpy(d.name, name, len);
    d.name[len] = 0;
    *error = io_put(io, &d, bytes);
    return !*error;
}

static struct dentry *cursor_find(struct file *f)
{
    struct dir_cursor *c = f->data;
    struct dentry *d = f->dentry->first_child;

    if (c->position == f->offset)
        return c->next;
    while (d && d->cookie < f->offset)
        d = d->next_sibling;
    return d;
}

error_t dir_getdents(struct file *f, struct io *io)
{
    struct dir_cursor *c = f->data;
    struct dentry *dir = f->dentry, *up = dir->parent, *d;
    error_t e = 0;

    if (f->offset == 0) {
        if (!dirent_put(io, dir->inode->ino, 1, S_IFDIR, ".", 1, &e))
            return e ? e : ERR_INVALID_ARGUMENT;
        f->offset = 1;
    }
    if (f->offset == 1) {
        if (!dirent_put(io, up->inode->ino, FIRST_COOKIE, S_IFDIR, "..", 2, &e))
            return e || io->done ? e : ERR_INVALID_ARGUMENT;
        f->offset = FIRST_COOKIE;
    }
    for (d = cursor_find(f); d; d = d->next_sibling) {
        if (!dirent_put(io, d->inode->ino, d->cookie + 1, d->inode->mode, d->name, d->len, &e))
            break;
        f->offset = d->cookie + 1;
    }
    c->next = d;
    c->position = f->offset;
    vfs_accessed(dir->inode);
    return d && !e && !io->done ? ERR_INVALID_ARGUMENT : e;
}

static error_t dir_seek(struct file *f, int64_t offset, uint32_t whence, uint64_t *position)
{
    return whence == 2 ? ERR_INVALID_ARGUMENT : seek_generic(f, offset, whence, 0, position);
}

static error_t dir_read(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)io, (void)position;
    return ERR_IS_DIRECTORY;
}

static void dir_release(struct file *f)
{
    if (f->data) {
        cursor_remove(f->dentry, f->data);
        free(f->data);
    }
}

const struct file_ops dir_file_ops = {
    .name = "directory",
    .read = dir_read,
    .seek = dir_seek,
    .getdents = dir_getdents,
    .release = dir_release,
};

/* ---- inodes ---- */
static error_t tmpfs_open(struct inode *i, struct file *f, struct process *p)
{
    if (S_ISREG(i->mode)) {
        f->ops = &tmpfs_file_ops;
        return 0;
    }
    if (!S_ISDIR(i->mode))
        return vfs_open_special(i, f, p);
    f->data = calloc(1, sizeof(struct dir_cursor));
    if (!f->data)
        return ERR_NO_MEMORY;
    f->ops = &dir_file_ops;
    cursor_add(f->dentry, f->data);
    return 0;
}

static void tmpfs_destroy(struct inode *i)
{
    uncharge(i, i->data_pages);
    i->sb->nr_inodes--;
    if (i->segment)
        seg_free(i->segment);
}

const struct inode_ops tmpfs_inode_ops = {
    .open = tmpfs_open,
    .truncate = tmpfs_truncate,
    .destroy = tmpfs_destroy,
};

struct inode *tmpfs_inode(struct superblock *sb, uint32_t mode, uint64_t rdev)
{
    struct inode *i;

    if (sb->nr_inodes >= sb->max_inodes)
        return NULL;
    i = inode_new(sb, &tmpfs_inode_ops, mode);
    if (i) {
        i->rdev = rdev;
        sb->nr_inodes++;
    }
    return i;
}

/* ---- superblocks ---- */
void tmpfs_set_limits(struct superblock *sb)
{
    uint64_t total, free_pages;

    segments_memory(&total, &free_pages);
    sb->max_pages = total - total / 4;
    sb->max_inodes = 1u << 20;
}

error_t tmpfs_mount_root(struct superblock *sb, uint32_t mode, const struct inode_ops *ops)
{
    struct inode *i = inode_new(sb, ops, S_IFDIR | mode);

    if (!i)
        return ERR_NO_MEMORY;
    sb->nr_inodes++;
    sb->root = dentry_new_root(sb, i);
    if (sb->root)
        return 0;
    inode_put(i);
    return ERR_NO_MEMORY;
}

static error_t tmpfs_mount(struct superblock *sb)
{
    tmpfs_set_limits(sb);
    return tmpfs_mount_root(sb, 01777, &tmpfs_inode_ops);
}

const struct fs_type tmpfs_type = { .name = "tmpfs", .magic = 0x01021994, .mount = tmpfs_mount };

struct superblock *anon_superblock(void)
{
    static struct superblock sb = { .type = &tmpfs_type, .dev = FS_MAKEDEV(0, 1), .refs = 1 };

    if (!sb.max_pages)
        tmpfs_set_limits(&sb);
    return &sb;
}
