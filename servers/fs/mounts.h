/* SPDX-License-Identifier: MIT */
/*
 * Mounts: which superblock, or which part of one, appears where (mount(2)).
 *
 * Attached mounts form a tree whose root is vfs_root.mnt. A hash over (mount,
 * dentry) finds what is mounted at a place; dentry->mounted says whether to
 * look at all. superblock.c has the superblocks, mounts.c the tree,
 * propagation.c the peer groups, serve_mounts.c the requests.
 *
 * References: one for being attached, one for each open file, current or root
 * directory and /proc/PID/exe. A mount with more than the one is busy. One that
 * was detached lives until the last user goes; its own tree of mounts was
 * taken apart.
 */
#ifndef FS_MOUNTS_H
#define FS_MOUNTS_H

#include "vfs.h"

#define MOUNT_MAX   4096u           /* as propagation can double their number with each mount */

/* Flags of mount(2) and umount2(2) beside those of vfs.h. */
#define MS_REMOUNT     32u
#define MS_BIND        4096u
#define MS_MOVE        8192u
#define MS_REC         16384u
#define MS_SILENT      32768u
#define MS_UNBINDABLE  (1u << 17)
#define MS_PRIVATE     (1u << 18)
#define MS_SLAVE       (1u << 19)
#define MS_SHARED      (1u << 20)
#define MS_PER_MOUNT   (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MNT_FORCE       1u
#define MNT_DETACH      2u
#define UMOUNT_NOFOLLOW 8u

struct peer_group;

struct mount {
    struct superblock *sb;
    struct dentry *root;            /* what it shows; referenced                */
    struct mount *parent;           /* NULL: the root of its tree               */
    struct dentry *at;              /* mount point in parent; referenced        */
    struct mount *hash_next;
    struct mount *first_child, *next_sibling;   /* in order of mounting         */
    struct mount *next;             /* of all attached ones, in order of mounting */
    char *source;                   /* as mount(2) was told                     */
    uint32_t id;
    uint32_t refs;
    uint32_t flags;                 /* MS_PER_MOUNT                             */
    uint32_t nr_writers;            /* regular files open for writing           */
    bool attached;                  /* its tree is the one of vfs_root          */
    bool unbindable;
    struct peer_group *group;       /* NULL: private                            */
    struct mount *next_member;
    /* for the time of one request: */
    struct mount *copy;             /* a tree is copied: the copy of this one   */
    struct mount *chosen_next;      /* list of copies, or of mounts to unmount  */
    struct mount *destination;      /* of a copy: the parent it is for          */
    bool newly_shared;
};

/* Shared mounts are members of a peer group: what is mounted or unmounted below one member is
 * so below all (mount_namespaces(7)). A group with a master receives what happens to that
 * group's members, but does not pass on anything to it. */
struct peer_group {
    uint32_t id;                    /* 0: not shared; its one member only receives */
    struct mount *members;
    struct peer_group *master;
    struct peer_group *first_slave, *next_slave;
    struct mount *copy;             /* during a graft: what its slaves copy     */
    struct peer_group *next;        /* in the reserve                           */
};

/* ---- superblock.c ---- */
extern struct superblock *superblocks;
void vfs_register_type(const struct fs_type *);
const struct fs_type *vfs_find_type(const char *name);
/* i-th registered; NULL past the end. */
const struct fs_type *vfs_type_at(unsigned i);
/* A mounted superblock of the type, new unless there can be only one; counts as one mount. */
error_t superblock_get(const struct fs_type *, uint32_t flags, struct superblock **);
static inline void superblock_add_mount(struct superblock *sb) { sb->nr_mounts++; }
/* A mount is gone; with the last one the tree. */
void superblock_drop_mount(struct superblock *);
static inline void superblock_hold(struct superblock *sb) { sb->refs++; }
void superblock_put(struct superblock *);

/* ---- mounts.c ---- */
extern struct mount *mounts;        /* all attached ones; first: the root       */
/* What is mounted there; NULL. */
struct mount *mount_at(const struct mount *, const struct dentry *);
/* Down to what is mounted on top. */
static inline void vfs_down_mounts(struct path *p)
{
    while (__builtin_expect(p->dentry->mounted, 0)) {
        struct mount *m = mount_at(p->mnt, p->dentry);

        if (!m)
            return;
        *p = (struct path){ m, m->root };
    }
}
static inline struct mount *mount_get(struct mount *m) { m->refs++; return m; }
void mount_free(struct mount *);
static inline void mount_put(struct mount *m) { if (!--m->refs) mount_free(m); }
static inline struct path path_get(const struct path *p)
{
    if (p->mnt)
        mount_get(p->mnt);
    if (p->dentry)
        dentry_get(p->dentry);
    return *p;
}
static inline void path_put(struct path *p)
{
    if (p->dentry)
        dentry_put(p->dentry);
    if (p->mnt)
        mount_put(p->mnt);
}
static inline bool path_equal(const struct path *a, const struct path *b)
{ return a->dentry == b->dentry && a->mnt == b->mnt; }
/* A root of all or a further mount of the type at a directory; what is mounted there already is
 * covered. ERR_NOT_DIRECTORY, ERR_BUSY (the same superblock is there), ERR_NO_SPACE (too many
 * mounts), ERR_NO_MEMORY. */
error_t vfs_mount(const struct fs_type *, const char *source, const struct path *at, uint32_t flags, struct mount **);
/* A mount that shows `root` of what m shows, and with `recurse` copies of the mounts below it. Not attached. */
error_t mount_copy_tree(struct mount *m, struct dentry *root, bool recurse, struct mount **out);
/* Take apart a tree that was never attached. */
void mount_discard_tree(struct mount *);
/* Attach a tree, or move an attached one, to `at`, where nothing is mounted; and a copy of it wherever
 * that propagates to. On an error nothing has changed. */
error_t mount_graft(struct mount *tree, const struct path *at);
/* Unmount, with what propagation takes along. flags: MNT_DETACH. ERR_BUSY. */
error_t vfs_umount(struct mount *, uint32_t flags);
/* Take off all that is mounted on or below a name that fs itself removes. */
void vfs_detach_mounts(struct dentry *);
/* The mount behind m in its tree below `top`, parents first; NULL at the end. */
struct mount *mount_next(const struct mount *m, const struct mount *top, bool skip_children);

/* ---- propagation.c ---- */
static inline bool mount_shared(const struct mount *m) { return m->group && m->group->id; }
/* Groups that can be made without failing. ERR_NO_MEMORY. */
error_t group_reserve(unsigned nr);
/* Each needs one reserved group. A sole member without a master becomes private as a slave. */
void group_share(struct mount *);
void group_make_slave(struct mount *);
void group_make_private(struct mount *);
/* A fresh private mount joins m's kind of group: a peer if shared, a slave of the same master if that. */
void group_join(struct mount *fresh, struct mount *m);
/* A fresh private mount becomes a slave of a group, and shared itself if so wished. */
void group_join_below(struct mount *fresh, struct peer_group *master, bool shared);
/* All groups that receive from `origin`, itself first, masters before slaves; NULL at the end. */
struct peer_group *group_next(const struct peer_group *, const struct peer_group *origin);

#endif
