/* SPDX-License-Identifier: MIT */
/*
 * Names: inodes, the tree of dentries, superblocks, path lookup, permissions.
 *
 * All file systems here live in memory, so the dentry tree is not a cache of
 * the directories but, for tmpfs and devfs, the directories themselves: one
 * hash table over (parent, name) finds a child, and a miss is authoritative.
 * procfs makes its dentries when they are looked up; unreferenced ones are
 * freed later, never inside the handler that found them.
 *
 * A superblock may be mounted at several places, whole or in part, so a name's
 * place is a struct path: a mount and a dentry in it (mounts.h). A dentry with
 * `mounted` set may be a mount point: mount_at leads down, mount->parent and
 * mount->at lead up from a mount's root.
 *
 * Lookups return borrowed pointers, valid until the handler returns or
 * suspends. What lives longer takes dentry_get / inode_get.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <atoll/errors.h>
#include <atoll/types.h>
#include "fs_types.h"

struct dentry;
struct file;
struct inode;
struct mount;
struct process;
struct segment;
struct superblock;

struct path {
    struct mount *mnt;              /* NULL: of no mount (memfd, sockets)       */
    struct dentry *dentry;
};

#define S_IFMT   0170000u
#define S_IFSOCK 0140000u
#define S_IFLNK  0120000u
#define S_IFREG  0100000u
#define S_IFBLK  0060000u
#define S_IFDIR  0040000u
#define S_IFCHR  0020000u
#define S_IFIFO  0010000u
#define S_ISUID  04000u
#define S_ISGID  02000u
#define S_ISVTX  01000u
#define S_ISREG(m)  (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m) & S_IFMT) == S_IFDIR)
#define S_ISLNK(m)  (((m) & S_IFMT) == S_IFLNK)
#define S_ISCHR(m)  (((m) & S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)

#define FS_NAME_MAX  255u
#define FS_LINK_MAX  65000u
#define FS_LOOP_MAX  40u
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_REMOVEDIR        0x200u
#define AT_EACCESS          0x200u
#define AT_SYMLINK_FOLLOW   0x400u
#define AT_EMPTY_PATH       0x1000u

/* Linux's encoding of device numbers as stat(2) shows them. */
#define FS_MAKEDEV(major, minor) \
    ((((uint64_t)(major) & 0xfffff000ul) << 32) | (((uint64_t)(major) & 0xfff) << 8) | \
     (((uint64_t)(minor) & 0xffffff00ul) << 12) | ((uint64_t)(minor) & 0xff))
#define FS_MAJOR(dev) ((uint32_t)((((dev) >> 32) & 0xfffff000ul) | (((dev) >> 8) & 0xfff)))
#define FS_MINOR(dev) ((uint32_t)((((dev) >> 12) & 0xffffff00ul) | ((dev) & 0xff)))

struct fs_time { int64_t s; uint32_t ns; };
/* CLOCK_REALTIME, from the time page. */
struct fs_time fs_now(void);
/* Its seconds, up to 1/16 s late: cheaper. */
int64_t fs_seconds(void);

struct inode_ops {
    /* Set file->ops (and data). file->inode, dentry and flags are set. 0, an error,
     * ERR_WOULD_BLOCK (then file_ops.open_wait goes on) or RPC_BLOCKS (nothing changed). */
    error_t (*open)(struct inode *, struct file *, struct process *);
    /* A child that is not in the hash (procfs). New dentry by dentry_new. ERR_NOT_FOUND. */
    error_t (*lookup)(struct dentry *dir, const char *name, uint32_t len, struct dentry **out);
    /* Is this dentry still what it names? NULL: yes. */
    bool (*valid)(struct dentry *);
    /* Symbolic links whose text is made up. At most `room` bytes, *len the length. */
    error_t (*readlink)(struct inode *, struct process *, char *text, size_t room, size_t *len);
    /* Links that lead to an object rather than to a name (/proc/PID/fd/3, cwd, root, exe):
     * one of path->dentry and *file is set, borrowed. */
    error_t (*follow)(struct inode *, struct process *, struct path *, struct file **);
    error_t (*truncate)(struct inode *, uint64_t length);
    /* Attributes that are computed; before stat. */
    void (*refresh)(struct inode *);
    /* Last reference gone. */
    void (*destroy)(struct inode *);
};

struct inode {
    const struct inode_ops *ops;
    struct superblock *sb;
    uint32_t refs;
    uint32_t mode, nlink, uid, gid;
    uint64_t ino, rdev, size;
    struct fs_time atime, mtime, ctime, btime;
    uint64_t data_pages;            /* pages that hold data (st_blocks), tmpfs  */
    struct segment *segment;        /* regular files with data                  */
    char *link;                     /* symbolic links                           */
    uint32_t seals;                 /* memfd: F_SEAL_*                          */
    uint32_t nr_writers;            /* open files that may write                */
    bool mapped;                    /* was ever mapped: Segment size is exact   */
    bool memfd;
    void *locks;                    /* record locks (locks.c)                   */
    struct watch *watches;          /* of inotify (inotify.c)                   */
    struct file *leases;            /* open files whose attributes are leased (lease.c) */
    /* FIFO: its pipe; socket node: the socket bound to it. The owner's module
     * sets both; release is called when the inode dies. */
    void *special;
    void (*special_release)(struct inode *);
    uint64_t private_[2];           /* of the file system                       */
};

struct dentry {
    struct dentry *parent;          /* itself for a root; referenced            */
    struct inode *inode;            /* referenced; never NULL                   */
    struct dentry *hash_next;
    struct dentry *first_child, *last_child;    /* in order of cookie           */
    struct dentry *next_sibling, *prev_sibling;
    struct dir_cursor *cursors;     /* of open files on this directory          */
    uint64_t cookie;                /* place in the parent's list, > 2          */
    uint64_t next_cookie;           /* for children                             */
    uint32_t nr_children;
    uint32_t hash;
    uint32_t refs;
    uint32_t mounted;               /* mounts that have it as mount point       */
    uint16_t len;
    bool linked;                    /* is in its parent (not unlinked)          */
    bool cached;                    /* procfs: freed when unreferenced          */
    struct dentry *lru_next, *lru_prev;
    char *name;
    char inline_name[40];
};

struct fs_type;
/* A file system. Lives as long as a mount shows it or an inode of it is held; its tree
 * goes with the last mount. */
struct superblock {
    const struct fs_type *type;
    struct dentry *root;            /* NULL: no mount any more                  */
    struct superblock *next;        /* of all that are mounted                  */
    uint64_t dev;
    uint64_t next_ino;
    uint64_t nr_inodes, max_inodes;
    uint64_t nr_pages, max_pages;   /* of data                                  */
    uint32_t flags;                 /* MS_RDONLY                                */
    uint32_t nr_mounts;
    uint32_t refs;                  /* inodes, and one for all mounts           */
};
#define MS_RDONLY      1u
#define MS_NOSUID      2u
#define MS_NODEV       4u
#define MS_NOEXEC      8u

struct fs_type {
    const char *name;
    uint64_t magic;                 /* statfs                                   */
    bool read_only_names;           /* names cannot be made or removed          */
    bool single;                    /* all mounts of the type show one superblock */
    error_t (*mount)(struct superblock *);  /* makes sb->root                   */
};

/* ---- lookup ---- */
#define LOOKUP_FOLLOW    0x1u       /* the last symbolic link too               */
#define LOOKUP_DIRECTORY 0x2u       /* must be a directory                      */
#define LOOKUP_EMPTY     0x4u       /* "" means dirfd itself                    */

struct found {
    struct path path;               /* dentry NULL when `file` is set           */
    struct file *file;              /* /proc/PID/fd of an anonymous object, or
                                     * dirfd itself (LOOKUP_EMPTY): then both   */
};
error_t vfs_lookup(struct process *, int32_t dirfd, const char *path, uint32_t flags, struct found *);

/* Parent directory and last component. */
struct last {
    struct path dir;
    const char *name;               /* inside `path` or a symbolic link's text  */
    uint32_t len;
    uint32_t hash;
    bool trailing_slash;
    bool special;                   /* ".", ".." or "/": no name to make        */
    struct path child;              /* dentry NULL: does not exist; mnt other than the
                                     * directory's: something is mounted on it  */
    struct file *file;              /* as in struct found                       */
};
/* Follows all but the last; checks search permission. With LOOKUP_FOLLOW dangling links
 * are followed too, as O_CREAT does. */
error_t vfs_lookup_last(struct process *, int32_t dirfd, const char *path, uint32_t flags, struct last *);
/* One component, permission already checked. ERR_NOT_FOUND. */
error_t vfs_child(struct dentry *dir, const char *name, uint32_t len, uint32_t hash, struct dentry **);
uint32_t vfs_hash(const struct dentry *dir, const char *name, uint32_t len);
/* Path from the process's root (or "(unreachable)/..."). Returns the length, or ERR_RANGE_RESULT. */
error_t vfs_path(struct process *, const struct path *, char *text, size_t room, size_t *len);

/* ---- permission ---- */
#define MAY_EXEC  1u
#define MAY_WRITE 2u
#define MAY_READ  4u
/* ERR_ACCESS, ERR_READ_ONLY. p NULL: fs itself, everything is allowed. The mount may be NULL. */
error_t vfs_permission(struct process *, const struct mount *, struct inode *, uint32_t may);
/* Is the mount or the file system read-only? */
bool vfs_read_only(const struct mount *, const struct inode *);
bool vfs_owner_or_capable(struct process *, struct inode *);
/* May this name be removed from dir (write, search, sticky)? */
error_t vfs_may_delete(struct process *, const struct path *at, struct inode *victim);
/* May a name be made in dir (alive, writable, not read-only)? */
error_t vfs_may_create(struct process *, const struct path *dir);

/* ---- making and removing ---- */
/* A node in dir under the name in `last` (child must be NULL), with the process's ids, umask applied
 * by the caller, set-gid directories honoured. p NULL: root's. */
error_t vfs_make(struct process *, const struct last *, uint32_t mode, uint64_t rdev, struct dentry **);
/* By path, with checks and umask: mknod(2). For binding sockets: mode S_IFSOCK | 0777. ERR_EXISTS ... `out` may be NULL. */
error_t vfs_mknod(struct process *, int32_t dirfd, const char *path, uint32_t mode, uint64_t rdev, struct path *out);
error_t vfs_symlink(struct process *, const struct last *, const char *target, struct dentry **);
error_t vfs_link(struct process *, struct inode *, const struct last *);
error_t vfs_unlink(struct process *, struct dentry *);
error_t vfs_rmdir(struct process *, struct dentry *);
error_t vfs_rename(struct process *, const struct last *from, const struct last *to, uint32_t flags);
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u

/* ---- attributes ---- */
void vfs_stat(struct inode *, struct fs_stat *);
error_t vfs_chmod(struct process *, const struct mount *, struct inode *, uint32_t mode);
error_t vfs_chown(struct process *, const struct mount *, struct inode *, uint32_t uid, uint32_t gid);
error_t vfs_truncate(struct process *, struct inode *, uint64_t length);
/* A write by p happened: clear set-id bits unless capable, times. */
void vfs_wrote(struct process *, struct inode *);
/* Its content was read: atime, by the rules of relatime. */
void vfs_accessed(struct inode *);

/* ---- opening ---- */
/* An open file on an inode; permission has been checked. open results as inode_ops.open. */
error_t vfs_open_path(struct process *, const struct path *, uint32_t flags, struct file **);

/* ---- objects ---- */
struct inode *inode_new(struct superblock *, const struct inode_ops *, uint32_t mode);  /* NULL: no memory */
static inline struct inode *inode_get(struct inode *i) { i->refs++; return i; }
void inode_put(struct inode *);
/* Is it `above` itself, or below it? */
bool dentry_is_below(const struct dentry *, const struct dentry *above);
/* Has it lost its name? */
static inline bool dentry_is_gone(const struct dentry *d) { return !d->linked && d->parent != d; }
/* A linked child; takes over the reference to the inode on success. */
error_t dentry_new(struct dentry *parent, const char *name, uint32_t len, struct inode *, bool cached, struct dentry **);
struct dentry *dentry_new_root(struct superblock *, struct inode *);
static inline struct dentry *dentry_get(struct dentry *d) { d->refs++; return d; }
void dentry_put(struct dentry *);
void dentry_unlink(struct dentry *);

/* The root of all names. */
extern struct path vfs_root;

/* ---- device nodes and FIFOs: who serves them ---- */
typedef error_t (*special_open_fn)(struct inode *, struct file *, struct process *);
/* Character devices major:first..first+count-1. Open results as inode_ops.open. */
error_t vfs_register_char(uint32_t major, uint32_t first, uint32_t count, special_open_fn);
void vfs_register_fifo(special_open_fn);
error_t vfs_open_special(struct inode *, struct file *, struct process *);

/* ---- devfs (devfs.c) ---- */
/* A node below /dev: "tty0", "pts/3". Owned by uid, gid. ERR_EXISTS, ERR_NO_MEMORY. */
error_t devfs_add(const char *path, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t rdev);
void devfs_remove(const char *path);

#endif
