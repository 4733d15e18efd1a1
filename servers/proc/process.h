/* SPDX-License-Identifier: MIT */
/*
 * What proc knows: processes, their images, address spaces and threads.
 *
 *   process --> image (slot k) --> vm (VSpace, CNode, account)
 *      |           |                 ^
 *      |           +--> threads -----+
 *      +--> loading: a second image while exec is under way
 *
 * A process is what has a pid. An image is what runs it: it owns a slot, hence
 * a session with each server, a proc page and a signal page; exec replaces it.
 * A vm is what memory is in; images share one after vfork or CLONE_VM.
 *
 * Life of a process: created (fork_begin) -> live (fork_commit: has a parent's
 * list, pid table entry) -> zombie (exit: threads stopped, kernel objects at
 * the reaper, page kept) -> gone (waited for). A slot is free again when the
 * process let go of its image and the reaper finished with what belonged to it.
 *
 * Everything belongs to proc's single thread, except where reaper.h says
 * otherwise; there are no locks. Identity (ids, limits, names) is kept in the
 * proc page itself, which proc alone can write.
 */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include <libipc/executor.h>
#include <libipc/server.h>
#include <libipc/system.h>
#include <proc_server.h>

#include "linux.h"

#define NR_PROCESSES    NR_SLOTS
#define NR_VMS          NR_SLOTS        /* vm 0 is never used: account 0 is the system's */
#define WARM_SLOTS      64              /* slots below keep pages and objects for the next process */
#define WARM_GROUPS     64              /* groups below keep their frame's page for the next thread */
#define MAX_PID         32768

struct signal_queue { struct queued_signal *first, **end; uint32_t count; };
struct parked { struct parked *next, **link; };     /* intrusive list of parked requests */

enum vm_state { VM_FREE, VM_LIVE, VM_REAPED };
/* vm k is made by the image in slot k, which it holds until it is reaped. */
struct vm {
    uint16_t index;                 /* = account */
    uint8_t  state;                 /* enum vm_state */
    bool     has_chunk;             /* its untyped exists (for ever) */
    bool     built;                 /* its objects exist and hold the capabilities of image
                                     * `index` in area cap_area, thread cap_thread */
    bool     peers_have;            /* built, and index `index` of the peers' CNodes is its own */
    uint8_t  cap_area, cap_thread;
    uint16_t configured;            /* priority | hart << 8 of its TCB */
    bool     main_used;             /* the chunk's thread objects are taken */
    uint16_t nr_images;
    uint64_t threads[2];            /* indices in use */
    uint16_t areas;                 /* areas in use */
    struct process *forking;        /* child between fork_begin and fork_commit */
    uint64_t id;                    /* unique, for proc_page.vm_id */
    struct { ticks_t user, system; uint64_t faults, switches; } base;   /* of earlier users of its TCB */
};

enum thread_state_ { THREAD_FREE, THREAD_LIVE, THREAD_ENDED };
struct thread {
    uint16_t frame;                 /* page in the thread-frames Segment = own index */
    uint8_t  state;
    uint8_t  index;                 /* in the vm */
    uint8_t  hart;
    bool     suspended;             /* job control or exec holds it */
    bool     started;
    int16_t  group;                 /* object group, or -1: the vm's chunk */
    uint32_t tid;
    uint64_t affinity;
    char     comm[16];              /* its name; the first thread's is page->comm */
    struct image *image;
    struct thread *next;            /* in the image */
    struct signal_queue queue;
    struct parked *sig_wait;        /* sigtimedwait under way */
    uint64_t sig_wait_mask;
    ticks_t  start_ticks;
};

enum image_state { IMAGE_FREE, IMAGE_BUILDING, IMAGE_LIVE, IMAGE_DEAD };
struct image {
    uint16_t slot;
    uint8_t  state;
    uint8_t  area;
    bool     warm;                  /* its shared pages may be there */
    uint16_t holds;                 /* process, reaper jobs: slot is free at 0 */
    struct process *process;
    struct vm *vm;
    struct thread *threads;
    uint32_t nr_threads;
    cptr_t   notification;          /* in proc's CSpace */
    uint32_t closed_mark[2];        /* free: fs and time have closed its sessions when they are here */
    struct proc_page *page;
    const struct sig_page *sig;
};

enum process_state { PROCESS_FREE, PROCESS_CREATED, PROCESS_LIVE, PROCESS_ZOMBIE };
struct process {
    uint8_t  state;
    bool     stopped;
    bool     did_exec;              /* setpgid by the parent is over */
    bool     is_subreaper;
    uint8_t  exit_signal;
    uint32_t pid;
    uint32_t status;                /* zombie: wait status */
    uint32_t stop_signal;           /* job control event not yet waited for: stop */
    bool     continued;             /* ... continue */
    uint32_t parent_death_signal;
    struct image *image, *loading;
    struct process *parent;
    struct process *children, *next_sibling, **sibling_link;
    struct process *all_next, **all_link;       /* every live process and zombie */
    /* signals */
    struct signal_queue queue;
    uint64_t told_fs;               /* pending as last posted for signalfd */
    /* parked requests */
    struct parked *waits;           /* wait4 of this process */
    struct rpc_call *vfork_call;    /* of the parent, released by exec or exit */
    struct exec *exec;              /* exec under way */
    /* accounting of ended threads, and of waited-for children */
    ticks_t  user_ticks, system_ticks;
    ticks_t  child_user_ticks, child_system_ticks;
    uint64_t nr_faults, child_faults, nr_switches, max_rss_pages, child_max_rss;
    struct exec_timer cpu_timer;    /* cpu_limit.c: armed while RLIMIT_CPU is finite */
    ticks_t  cpu_seen;              /* CPU time at its last look */
    /* fork under way */
    uint64_t fork_token;
    struct process *fork_parent;
    uint64_t fork_flags;
    uint8_t  fork_hart;
    struct image *fork_caller;      /* in whose CNode GUEST_CAP_CHILD is */
};

extern struct image images[NR_SLOTS];
extern struct vm vms[NR_VMS];
extern struct thread threads[NR_THREAD_SLOTS];
extern struct process *all_processes;
extern struct process *init_process;
extern const struct server_info *const info;
extern struct rpc_server server;

/* ---- slot.c: the tables ---- */
void tables_init(void);
/* A free process with a free image and slot; NULL when none is free. */
struct process *process_alloc(void);
/* A second image for exec. The image has one hold. */
struct image *image_alloc(struct process *);
void image_hold(struct image *);
void image_drop(struct image *);            /* frees the slot at the last one */
/* Memory is scarce: the pages of one free slot go. False: there was none. */
bool slots_trim(void);
void process_free(struct process *);        /* forget it; its image is dropped */
/* Thread number `frame` (its frame page): vm v's first thread is v, group g's NR_VMS + g. */
struct thread *thread_take(unsigned frame);
void thread_free(struct thread *);

/* Ids. A number is in use while it is a tid, pid, pgid or sid. */
uint32_t pid_alloc(void);                   /* with one use, or 0 */
void pid_use(uint32_t pid);
void pid_drop(uint32_t pid);
struct process *process_by_pid(uint32_t pid);       /* live or zombie, or NULL */
struct thread *thread_by_tid(uint32_t tid);
/* The 16 bytes of its name, as prctl(PR_SET_NAME) sets them. */
char *thread_comm(struct thread *);
/* What clone(2) hands on: affinity and name. */
void thread_inherit(struct thread *, struct thread *parent);
void pid_set_process(uint32_t pid, const struct process *);
void pid_set_thread(uint32_t tid, struct thread *);
void process_link(struct process *, struct process *parent);    /* into all lists */
void process_unlink(struct process *);
void process_set_parent(struct process *, struct process *parent);
unsigned process_count_of_user(uint32_t uid);
unsigned process_count(void);
/* Who sent this request; NULL when the session has no live process. */
struct image *caller_image(const struct rpc_call *);
struct process *caller(const struct rpc_call *);
struct thread *image_thread(const struct image *, uint32_t index);
/* What the dispatch found for a handle<thread>; `struct proc_thread` is the interface's name of it. */
static inline struct thread *handle_thread(struct proc_thread *t) { return (struct thread *)t; }
static inline bool is_live(const struct process *p) { return p && p->state == PROCESS_LIVE; }

/* ---- lists of parked requests (wait.c, signal.c, futex.c embed struct parked) ---- */
static inline void parked_link(struct parked **list, struct parked *p)
{
    while (*list)
        list = &(*list)->next;
    p->next = NULL;
    p->link = list;
    *list = p;
}
static inline void parked_unlink(struct parked *p)
{
    if (!p->link)
        return;
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    p->link = NULL;
}

void proc_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
ticks_t now(void);

#endif
