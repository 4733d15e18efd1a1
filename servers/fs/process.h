/* SPDX-License-Identifier: MIT */
/*
 * What fs knows of each process: its descriptor table, its root, current
 * directory and umask. Indexed by slot, like the sessions.
 *
 * Life: process_open (with the ticket its parent drew) .. process_exec moves
 * the state to another slot .. process_close. A table or context shared by
 * CLONE_FILES or CLONE_FS has several processes.
 *
 * Identity is never asked of the client: credentials and limits are words of
 * the process's page, which only proc can write. They are read one by one
 * where they are used; a change by proc in between is as good as one before
 * or after.
 */
#ifndef FS_PROCESS_H
#define FS_PROCESS_H

#include <libipc/server.h>
#include <libipc/system.h>
#include "file.h"
#include "fs_server.h"
#include "vfs.h"

struct fd_entry { struct file *file; uint32_t flags; };

struct fd_table {
    uint32_t refs;
    uint32_t size;                  /* entries allocated                        */
    uint32_t lowest_free;           /* no free one below                        */
    uint32_t nr_open;
    struct fd_entry *entry;
    uint64_t *used;                 /* bitmap                                   */
    struct process *users;          /* list by table_next                       */
};

struct fs_context {
    uint32_t refs;
    uint32_t umask;
    struct path root, cwd;          /* referenced                               */
};

struct process {
    uint32_t slot;
    bool open;
    struct fd_table *files;         /* NULL: not open                           */
    struct fs_context *fs;
    struct process *table_next;
    const volatile struct proc_page *page;
    const volatile struct sig_page *sig;
    struct fd_word *fd_words;       /* FD_WORDS of them                         */
    bool loading;                   /* exec: the loader runs                    */
    struct path exe;                /* first file that was mapped: /proc/PID/exe; referenced; or none */
} __attribute__((aligned(128)));

/* A power of two, to be found by a shift. */
_Static_assert(sizeof(struct process) == 128, "see above");
extern struct process processes[NR_SLOTS];

/* The client of a request; NULL when its slot is not open (answer ERR_PEER_CLOSED). */
static inline struct process *process_of(const struct rpc_call *call)
{
    struct process *p = &processes[call->client % NR_SLOTS];
    return p->open ? p : NULL;
}
/* The same of a request with a handle: it was looked up (handles.h), so the process is open. A client is the number of a
 * session, of which there are NR_SLOTS. */
static inline struct process *request_process(const struct rpc_call *call) { return &processes[call->client]; }
/* Who reads or writes; NULL: fs itself. */
static inline struct process *io_process(const struct io *io) { return io->call ? request_process(io->call) : io->process; }
/* What the dispatch found; `struct fs_file` is the interface's name of it. */
static inline struct file *handle_file(struct fs_file *f) { return (struct file *)f; }
/* Is the request from another server (events)? */
static inline bool call_from_server(const struct rpc_call *call) { return call->client < FIRST_PROCESS_SLOT; }
/* The processes and zombies in the order of their slots, without loaders: NULL is before the first and after the last. */
struct process *process_next(const struct process *after);
/* The lowest pid at or above `from`; UINT32_MAX: none. */
uint32_t process_next_pid(uint32_t from);
/* By pid; NULL. */
struct process *process_by_pid(uint32_t pid);

/* ---- credentials ---- */
#define CAP_CHOWN 0
#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER 3
#define CAP_FSETID 4
#define CAP_SYS_CHROOT 18
#define CAP_SYS_ADMIN 21
#define CAP_SYS_RESOURCE 24
#define CAP_SYS_TTY_CONFIG 26
#define CAP_MKNOD 27
static inline bool process_capable(const struct process *p, unsigned cap)
{ return (p->page->cap_effective >> cap) & 1; }
static inline uint32_t process_fsuid(const struct process *p) { return p->page->fsuid; }
static inline uint32_t process_fsgid(const struct process *p) { return p->page->fsgid; }
bool process_in_group(const struct process *, uint32_t gid);
static inline uint32_t process_pid(const struct process *p) { return p->page->pid; }
static inline uint64_t process_limit(const struct process *p, unsigned resource)
{ return p->page->rlimit[resource][0]; }
#define FS_RLIMIT_FSIZE  1
#define FS_RLIMIT_NOFILE 7

/* ---- life ---- */
void process_init(void);
/* Publish the word of one descriptor in the pages of all who share the table. */
void fd_publish(struct fd_table *, uint32_t fd);
error_t fd_alloc_from(struct process *, struct file *, uint32_t at_least, uint32_t fd_flags, uint32_t *out);

#endif
