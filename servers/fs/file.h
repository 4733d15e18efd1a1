/* SPDX-License-Identifier: MIT */
/*
 * Open files ("open file descriptions") and the operations that a kind of file
 * offers.
 *
 * A struct file is referenced by descriptor table entries, messages in flight
 * (SCM_RIGHTS) and parked requests. fs is one thread and handlers do not
 * suspend unless marked, so code inside a handler uses borrowed pointers; what
 * survives the handler takes a reference with file_get.
 *
 * No operation ever parks or waits by itself (ioctl excepted, see there): see
 * wait.h and io.h. NULL operations have the default given here.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "io.h"
#include "wait.h"
#include "fs_types.h"

struct dentry;
struct fd_word;
struct inode;
struct mount;
struct process;
struct text;

/* Linux (asm-generic) open flags. */
#define O_ACCMODE   00000003u
#define O_RDONLY    00000000u
#define O_WRONLY    00000001u
#define O_RDWR      00000002u
#define O_CREAT     00000100u
#define O_EXCL      00000200u
#define O_NOCTTY    00000400u
#define O_TRUNC     00001000u
#define O_APPEND    00002000u
#define O_NONBLOCK  00004000u
#define O_DSYNC     00010000u
#define O_ASYNC     00020000u
#define O_DIRECT    00040000u
#define O_LARGEFILE 00100000u
#define O_DIRECTORY 00200000u
#define O_NOFOLLOW  00400000u
#define O_NOATIME   01000000u
#define O_CLOEXEC   02000000u
#define O_SYNC      04010000u
#define O_PATH      010000000u
#define O_TMPFILE   (020000000u | O_DIRECTORY)

struct file_mapping {           /* argument of file_ops.mmap */
    uint64_t address, length, offset;
    uint32_t prot, flags;       /* VM_* */
};

struct file_ops {
    const char *name;           /* "pipe", "tty", ...: link text of /proc/PID/fd   */
    uint16_t page_kind;         /* what descriptor pages say (system.h); 0: FD_REMOTE */
    bool announces_falls;       /* calls waitq_level_changes wherever a level bit may fall */
    /* See io.h for the results. `position`: where; advanced by what was moved.
     * Files without a position ignore it. NULL: ERR_INVALID_ARGUMENT. */
    error_t (*read)(struct file *, struct io *, uint64_t *position);
    error_t (*write)(struct file *, struct io *, uint64_t *position);
    /* Level bits now. When w is not NULL and on no queue: also waitq_add() it to the
     * queue on which this file announces changes. NULL: always readable and writable. */
    uint32_t (*poll)(struct file *, struct waiter *w);
    /* May park and return RPC_PENDING (and answer with fs_ioctl_reply). Client memory by
     * rpc_client_read/write. NULL or unknown command: ERR_NOT_TTY. */
    error_t (*ioctl)(struct file *, struct rpc_call *, uint32_t command, uint64_t argument, uint64_t *result);
    /* The last reference is gone; file->data is the operation's to free. */
    void (*release)(struct file *);
    /* A descriptor of it was closed by `p` (flush of record locks is done by the caller). */
    void (*close)(struct file *, struct process *p);
    /* After inode open returned ERR_WOULD_BLOCK (FIFO): 0 when the open is complete,
     * ERR_WOULD_BLOCK to wait on (events FS_WAKE_OPEN on poll's queue), or an error. */
    error_t (*open_wait)(struct file *);
    /* A new open of an anonymous object through /proc/PID/fd. NULL: ERR_NO_ADDRESS. */
    error_t (*reopen)(struct file *, struct file *fresh);
    /* NULL: ERR_SEEK_PIPE, and pread/pwrite are refused too. */
    error_t (*seek)(struct file *, int64_t offset, uint32_t whence, uint64_t *position);
    error_t (*getdents)(struct file *, struct io *);
    error_t (*truncate)(struct file *, uint64_t length);
    error_t (*fallocate)(struct file *, uint32_t mode, uint64_t offset, uint64_t length);
    /* May map into the client's VSpace. NULL: ERR_NO_DEVICE. */
    error_t (*mmap)(struct file *, struct process *, const struct file_mapping *);
    /* Map up to *bytes from the start, read-only, at a window of the client; *bytes: how many. The content must
     * be what reads give, as long as inode_changes was not called. NULL: ERR_NO_DEVICE. */
    error_t (*map_window)(struct file *, struct process *, uint64_t address, uint64_t *bytes);
    /* Overrides what fstat makes of inode or anon_*; NULL: not. */
    error_t (*stat)(struct file *, struct fs_stat *);
    /* F_SETFL is about to change the flags (O_NONBLOCK, O_APPEND, O_ASYNC, O_DIRECT). */
    error_t (*set_flags)(struct file *, uint32_t flags);
    /* fcntl commands that the table does not know (F_SETPIPE_SZ, seals ...). NULL: ERR_INVALID_ARGUMENT. */
    error_t (*fcntl)(struct file *, struct process *, uint32_t command, uint64_t argument, uint64_t *result);
    /* Further lines of /proc/PID/fdinfo. */
    void (*fdinfo)(struct file *, struct text *);
    /* Bytes that a write accepts now without blocking; NULL: 4096 when writable. */
    uint64_t (*write_room)(struct file *);
};

struct file {
    const struct file_ops *ops;
    uint32_t refs;
    uint32_t flags;             /* O_* without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_CLOEXEC */
    uint64_t offset;
    struct inode *inode;        /* referenced; NULL for anonymous objects       */
    struct dentry *dentry;      /* referenced; NULL for anonymous objects       */
    struct mount *mnt;          /* by which it was opened; referenced; NULL for anonymous objects */
    void *data;                 /* of the kind                                  */
    uint64_t value;             /* of the kind                                  */
    uint64_t anon_ino;          /* fstat of an anonymous object; link text      */
    uint32_t anon_mode;         /* S_IFIFO | 0600 ...                           */
    uint32_t anon_uid, anon_gid;
    uint32_t owner_pid;         /* F_SETOWN, as given (negative: a group)       */
    uint32_t owner_signal;      /* F_SETSIG                                     */
    void *poll_links;           /* epoll items that watch this file (poll.c)    */
    void *locks;                /* list of OFD and flock locks (locks.c)        */
    struct fd_word *leased;     /* whose holder relies on an answer (lease.c)   */
    struct file *lease_next, *lease_prev;   /* on inode->leases while leased    */
    bool announced;             /* as open to who watches: so will be its end   */
    bool stat_asked;            /* by fstat: the next one gets a lease          */
    uint32_t in_flight;         /* times in SCM_RIGHTS messages (unix sockets)  */
    uint32_t mark;              /* for their garbage collection                 */
    struct file *all_next, *all_prev;   /* every open file of the system        */
};

static inline bool file_readable(const struct file *f)
{ return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH); }
static inline bool file_writable(const struct file *f)
{ return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH); }

/* An anonymous open file with one reference. `mode`: type and permission for fstat.
 * ERR_TABLE_FULL, ERR_NO_MEMORY. Inode number: file_next_ino(); both ends of a pipe share one. */
error_t file_new(const struct file_ops *, uint32_t flags, uint32_t mode, struct file **);
uint64_t file_next_ino(void);
static inline struct file *file_get(struct file *f) { f->refs++; return f; }
void file_put(struct file *);
/* Every open file of the system, by all_next. */
struct file *file_all(void);
/* Set by poll.c: called before a file with poll_links is released. */
extern void (*file_unwatch)(struct file *);

/* ---- descriptors ---- */
#define FD_FLAG_CLOEXEC 1u
#define FS_FD_MAX       65536u

/* Lowest free descriptor >= 0; takes over the caller's reference on success only.
 * ERR_TOO_MANY_FILES, ERR_NO_MEMORY. */
error_t fd_install(struct process *, struct file *, uint32_t fd_flags, uint32_t *fd);
/* Borrowed; NULL: no such descriptor, or an O_PATH one (use fd_lookup_any). */
struct file *fd_lookup(struct process *, int32_t fd);
struct file *fd_lookup_any(struct process *, int32_t fd);
/* Close what is open there; ERR_BAD_HANDLE. */
error_t fd_close(struct process *, int32_t fd);

/* ---- reading and writing on behalf of a request (rw.c) ---- */
/* The whole of read/write/pread/readv...: runs the operation, parks, answers RPC_PENDING then.
 * `at` NULL: the file's own offset. The reply goes out as the method of the call wants. */
error_t file_read_request(struct rpc_call *, struct file *, struct io *, const uint64_t *at, uint64_t *done);
error_t file_write_request(struct rpc_call *, struct file *, struct io *, const uint64_t *at, uint64_t *done);
/* Level bits, whatever the kind. */
uint32_t file_poll(struct file *, struct waiter *);

#endif
