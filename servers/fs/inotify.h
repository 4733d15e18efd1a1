/* SPDX-License-Identifier: MIT */
/*
 * inotify(7): what happens to names and files is told to who watches.
 *
 * Every module that changes something calls one of the event functions after
 * the change. While nobody watches anything, that is one load.
 */
#ifndef FS_INOTIFY_H
#define FS_INOTIFY_H

#include "file.h"
#include "vfs.h"

#define IN_ACCESS        0x001u
#define IN_MODIFY        0x002u
#define IN_ATTRIB        0x004u
#define IN_CLOSE_WRITE   0x008u
#define IN_CLOSE_NOWRITE 0x010u
#define IN_OPEN          0x020u
#define IN_MOVED_FROM    0x040u
#define IN_MOVED_TO      0x080u
#define IN_CREATE        0x100u
#define IN_DELETE        0x200u
#define IN_DELETE_SELF   0x400u
#define IN_MOVE_SELF     0x800u

extern uint32_t inotify_nr_watches;

/* To watches of the dentry's inode, and with its name to those of its directory. */
void inotify_path_event(struct dentry *, uint32_t mask);
/* To watches of a directory, about a name in it of a node of this mode. */
void inotify_name_event(struct dentry *dir, uint32_t mode, uint32_t mask, const char *name, uint32_t len, uint32_t cookie);
/* To watches of the inode only. */
void inotify_inode_event(struct inode *, uint32_t mask);
/* The inode dies: its watches end. */
void inotify_inode_gone(struct inode *);
/* Does anybody want to hear of reads of this file? Then no process may read it by itself. */
bool inotify_wants_reads(const struct file *);
/* For the two events of a move. */
uint32_t inotify_cookie(void);

static inline bool inotify_watched(void) { return __builtin_expect(inotify_nr_watches != 0, 0); }

static inline void path_event(struct dentry *d, uint32_t mask)
{
    if (inotify_watched() && d)
        inotify_path_event(d, mask);
}

static inline void file_event(const struct file *f, uint32_t mask)
{
    path_event(f->dentry, mask);
}

static inline void name_event(struct dentry *dir, const struct dentry *d, uint32_t mask)
{
    if (inotify_watched())
        inotify_name_event(dir, d->inode->mode, mask, d->name, d->len, 0);
}

/* A name as it was, for events about it after it is gone. len is 0 when nobody watched at that time. */
struct old_name {
    uint32_t mode, len;
    char name[FS_NAME_MAX];
};

static inline void old_name_keep(struct old_name *old, const struct dentry *d)
{
    old->len = 0;
    if (!inotify_watched())
        return;
    old->mode = d->inode->mode;
    old->len = d->len;
    __builtin_memcpy(old->name, d->name, d->len);
}

static inline void old_name_event(struct dentry *dir, const struct old_name *old, uint32_t mask, uint32_t cookie)
{
    if (inotify_watched() && old->len)
        inotify_name_event(dir, old->mode, mask, old->name, old->len, cookie);
}

static inline void inode_event(struct inode *i, uint32_t mask)
{
    if (inotify_watched())
        inotify_inode_event(i, mask);
}

#endif
