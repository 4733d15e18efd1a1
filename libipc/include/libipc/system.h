/* SPDX-License-Identifier: MIT */
/*
 * The system's address map, fixed capability slots and shared pages: what
 * supervisor, servers and personality agree on. docs/architecture.md tells the
 * story; this header has the numbers.
 */
#ifndef LIBIPC_SYSTEM_H
#define LIBIPC_SYSTEM_H

#include <atoll/frame.h>
#include <atoll/objects.h>
#include <libipc/ring.h>

/* ---- process slots ----
 * A process (more exactly: a process image; exec uses a second slot for a
 * moment) owns one slot number k. It indexes every per-process array: session
 * k of each server, proc page k, signal page k, descriptor pages k, and the
 * CNodes of client VSpaces and doorbells. Slots below FIRST_PROCESS_SLOT belong
 * to servers that are clients of other servers: slot = enum server_id. */
#define NR_SLOTS            1024
#define FIRST_PROCESS_SLOT  16
#define NR_THREAD_SLOTS     4096    /* thread frame pages in the whole system   */
#define VM_MAX_THREADS      120     /* threads sharing one VSpace               */
#define VM_MAX_AREAS        16      /* processes sharing one VSpace (vfork)     */

/* A component whose name is not here gets a number from FIRST_OTHER_SERVER on, in the order of servers/system.toml. */
enum server_id {
    SERVER_SUPERVISOR, SERVER_PROC, SERVER_FS, SERVER_TIME, SERVER_NET, FIRST_OTHER_SERVER,
    NR_SERVERS = FIRST_PROCESS_SLOT
};

#define MAX_SHARDS 8u   /* of one component: docs/shards.md */

/* ---- a server's address space ---- */
#define SRV_IMAGE           0x10000000ul
#define SRV_STACK_TOP       0x30000000ul
#define SRV_INFO            0x3f000000ul    /* struct server_info, read-only    */
#define SRV_SESSIONS        0x40000000ul    /* NR_SLOTS sessions                */
#define SRV_PROC_PAGES      0x50000000ul    /* NR_SLOTS struct proc_page        */
#define SRV_SIG_PAGES       0x51000000ul    /* NR_SLOTS struct sig_page         */
#define SRV_FD_PAGES        0x52000000ul    /* NR_SLOTS * FD_PAGES (fs)         */
#define SRV_TIME_PAGE       0x53000000ul
#define SRV_HART_PAGE       0x53001000ul
#define SRV_STATE           0x44000000ul    /* what outlives the server: restart.md */
#define SRV_TRACE           0x48000000ul    /* fs, with BOOT_TRACE: trace rings */
#define SRV_THREAD_FRAMES   0x54000000ul    /* NR_THREAD_SLOTS pages (proc)     */
#define SRV_CLIENT_SESSIONS 0x58000000ul    /* + server_id * SESSION_BYTES: the
                                             * session in which we are client   */
#define SRV_CORO_STACKS     0x60000000ul
#define SRV_DEVICES         0x70000000ul
#define SRV_ARCHIVE         0x80000000ul    /* fs: the boot archive, read-only  */
#define SRV_HEAP            0x100000000ul
#define SRV_HEAP_BYTES      0x40000000ul

/* ---- a server's CSpace: radix SRV_CNODE_RADIX ---- */
#define SRV_CNODE_RADIX 14
enum {
    SRV_CAP_CNODE = 1, SRV_CAP_TCB = 2, /* TCB: TCB_INFO only */ SRV_CAP_VSPACE = 3,
    SRV_CAP_NOTIFICATION = 4,       /* own, all bits                            */
    SRV_CAP_UNTYPED = 5,            /* memory for objects it makes              */
    SRV_CAP_POOL = 6, SRV_CAP_PLATFORM = 7,
    SRV_CAP_CLIENT_VSPACES = 8,     /* CNode, radix 10: slot k                  */
    SRV_CAP_CLIENT_DOORBELLS = 9,   /* CNode, radix 10: slot k                  */
    SRV_CAP_SUPERVISOR = 10,        /* endpoint: SUPERVISOR_*, for whom the assembly lets ask */
    SRV_CAP_DOORBELL = 16,          /* + server_id: doorbell of that server     */
    SRV_CAP_DEVICE = 32,            /* + i: Segment of device i (server_info)   */
    SRV_CAP_IRQ = 48,               /* + i: IRQ of device i                     */
    SRV_CAP_ARCHIVE = 64,           /* fs: Segment of the boot archive          */
    /* proc only: what it builds processes from */
    SRV_CAP_PROC_PAGES = 72, SRV_CAP_SIG_PAGES, SRV_CAP_FD_PAGES,
    SRV_CAP_TIME_PAGE, SRV_CAP_HART_PAGE, SRV_CAP_THREAD_FRAMES,
    SRV_CAP_PERSONALITY,            /* Segment of the linux_compat image        */
    SRV_CAP_PEER_VSPACES = 80,      /* + server_id: that server's client CNodes */
    SRV_CAP_PEER_DOORBELLS = 96,    /* + server_id                              */
    SRV_CAP_SESSIONS = 112,         /* + server_id: sessions Segment            */
    SRV_CAP_PEER_NOTIFICATIONS = 128, /* + server_id: without a badge, to mint
                                     * the doorbells of processes from          */
    SRV_CAP_OWN_FREE = 144          /* from here on: the server's own           */
};

/* What a component asks of the supervisor: the label of a message to SRV_CAP_SUPERVISOR. The supervisor never waits for
 * a server, so all may call it. */
enum {
    SUPERVISOR_SHUTDOWN = 1,        /* sent: word 0 exit status, 1 not 0: reboot */
    SUPERVISOR_MOVE = 2,            /* called: words 0, 1 a component's name (zeroes
                                     * behind), 2 a hart; answer word 0: 0,
                                     * ERR_NOT_FOUND: no such component,
                                     * ERR_INVALID_ARGUMENT: no such hart, or one
                                     * that takes no interrupts; nothing moved   */
    SUPERVISOR_RESTART = 3,         /* called: words 0, 1 a name; answered when it
                                     * is stopped: 0, ERR_NOT_FOUND, or
                                     * ERR_NOT_SUPPORTED: its policy is "no"      */
};

/* Bits of a server's notification: 0..47 doorbells (session k: bit k % 48),
 * 48..63 devices and other events. */
#define DOORBELL_BITS       48
#define DOORBELL_MASK       ((1ul << DOORBELL_BITS) - 1)
#define SRV_IRQ_BIT(i)      (1ul << (48 + (i)))     /* i < 12              */
#define SRV_CLIENT_RING     (1ul << 63)     /* a peer completed our requests    */

#define SRV_MAX_DEVICES 16
/* Written by the supervisor, read-only to the server. */
struct server_info {
    char     name[16];
    uint32_t server_id;
    uint32_t hart;                  /* where it runs: the one word that changes
                                     * later, docs/placement.md                 */
    uint32_t nr_harts;
    uint32_t timebase_hz;
    uint64_t archive_bytes, archive_offset;     /* fs */
    uint64_t pool_pages;
    uint64_t personality_bytes;                 /* proc */
    int64_t  made_s;                /* time: when the boot archive was made, seconds
                                     * since 1970; 0: it does not say           */
    uint32_t guest_hart_mask;       /* harts guests may run on                  */
    uint32_t boot_flags;            /* BOOT_*                                   */
    uint32_t nr_devices;
    uint32_t nr_coroutines, coroutine_stack_bytes;  /* for exec_init            */
    uint32_t restarts;              /* how often this server was started again  */
    char     command_line[512];
    struct srv_device {
        char     compatible[32];    /* first string of the device-tree property */
        uint64_t address;           /* where it is mapped in this server        */
        uint64_t bytes;
        uint64_t paddr;
        uint32_t irq;               /* source number; 0: none                   */
        uint32_t cap;               /* 0: no IRQ cap, else SRV_CAP_IRQ + i      */
    } device[SRV_MAX_DEVICES];
    struct srv_peer {               /* each component, by its number            */
        char     name[16];          /* "": there is none                        */
        char     node[16];          /* fs: /dev/NODE forwards to it; "": none   */
        uint32_t node_mode;         /* permissions of that                      */
        uint16_t first, shard;      /* the number of its first shard, and which
                                     * shard it is: docs/shards.md              */
        uint64_t layout_hash;       /* of the interface that it serves          */
    } peer[NR_SERVERS];
};
_Static_assert(sizeof(struct server_info) <= PAGE_BYTES, "one page");
/* Is `id` a component that is there, and a shard of the one whose first shard is `first`? */
static inline bool server_is(const struct server_info *info, uint32_t id, uint32_t first)
{
    return id < NR_SERVERS && info->peer[id].name[0] && info->peer[id].first == first;
}
/* The number of its shard number `shard`; NR_SERVERS: there is none. */
static inline uint32_t server_shard(const struct server_info *info, uint32_t first, uint32_t shard)
{
    uint32_t id = 0;

    while (id < NR_SERVERS && !(server_is(info, id, first) && info->peer[id].shard == shard))
        id++;
    return id;
}
#define BOOT_EXEC   0x1u            /* --exec: run exec/command, then power off */
#define BOOT_TRACE  0x2u            /* trace rings exist; servers show their RPCs */

/* ---- a guest's address space, at and above the personality ---- */
#define GUEST_TOP           0x3fbfff0000ul  /* the guest's own memory ends here */
#define VDSO_BASE           0x3fbfff0000ul  /* 64 KiB: vDSO, signal return code */
#define PERS_BASE           0x3fc0000000ul
/* One leaf table (2 MiB) holds the image, the time and hart pages, area 0 and
 * thread 0: all of an ordinary process. The image ends below PERS_TIME_PAGE. */
#define PERS_TIME_PAGE      0x3fc017e000ul  /* read-only                        */
#define PERS_HART_PAGE      0x3fc017f000ul  /* read-only                        */
#define PERS_AREAS          0x3fc0180000ul
#define PERS_AREA_BYTES     0x70000ul
#define PERS_AREA(m)        (PERS_AREAS + (m) * 0x1000000ul)    /* of process m */
#define PERS_THREADS        0x3fc01f0000ul  /* + i * PERS_THREAD_BYTES          */
#define PERS_THREAD_BYTES   0x10000ul       /* page 0: frame; 0x4000..: stack   */
#define PERS_STACK_OFFSET   0x4000ul
/* Windows of process m: file contents that fs maps read-only, not cloned (fs.map_window). */
#define PERS_WINDOWS        0x3fe0000000ul
#define PERS_WINDOW_BYTES   0x400000ul
#define PERS_NR_WINDOWS     8ul
#define PERS_WINDOW(m, i)   (PERS_WINDOWS + ((m) * PERS_NR_WINDOWS + (i)) * PERS_WINDOW_BYTES)
_Static_assert(PERS_WINDOW(VM_MAX_AREAS, 0) <= USER_TOP, "windows of all processes fit");
#define AREA_SESSION(id)    ((uint64_t)((id) - SERVER_PROC) * SESSION_BYTES)
#define AREA_PROC_PAGE      0x20000ul       /* read-only                        */
#define AREA_SIG_PAGE       0x21000ul       /* read-write                       */
#define AREA_FD_PAGES       0x22000ul       /* read-only                        */
#define AREA_STATE          0x30000ul       /* the personality's process state: */
#define AREA_STATE_BYTES    0x40000ul       /* private, zero, not cloned        */
#define AREA_LEASES         0x6f000ul       /* its last page                    */

/* ---- a guest's CSpace: radix GUEST_CNODE_RADIX; one a VSpace ---- */
#define GUEST_CNODE_RADIX 8
enum {
    GUEST_CAP_VSPACE = 1,           /* own: MAP, CLONE, COPY                    */
    GUEST_CAP_CHILD = 2,            /* during fork: the child's VSpace          */
    GUEST_CAP_EXEC_SOURCE = 3,      /* during exec: the old VSpace, COPY only   */
    GUEST_CAP_AREA = 16,            /* + m * 6: own notification of process m,  */
    GUEST_AREA_CAPS = 6,            /*   then doorbells: + server_id            */
    GUEST_CAP_THREAD = 128          /* + i: thread i's own notification         */
};
#define GUEST_CAP_NOTIFICATION(m)   (GUEST_CAP_AREA + (m) * GUEST_AREA_CAPS)
#define GUEST_CAP_DOORBELL(m, id)   (GUEST_CAP_AREA + (m) * GUEST_AREA_CAPS + (id))
/* Bits with which a server rings process m's notification. */
#define CLIENT_BIT(server_id)       (1ul << (server_id))

/* ---- the head of the personality image, at PERS_BASE ---- */
#define PERS_MAGIC 0x736f6369747473ul
struct pers_header {
    uint64_t magic;
    uint64_t syscall_entry, upcall_entry, fault_entry;  /* absolute addresses   */
    uint64_t nr_maps;
    struct pers_map {
        uint64_t image_offset;      /* page-aligned                             */
        uint64_t address, bytes;    /* page-aligned                             */
        uint64_t file_bytes;        /* rest is zero memory (page-aligned)       */
        uint64_t prot;              /* VM_*; VM_WRITE means private             */
    } map[8];
};

/* ---- page k of proc: proc writes; process k and all servers read ----
 * Plain words, each read alone; `seq` is even when a group is consistent. */
struct proc_page {
    uint32_t seq;
    uint32_t in_use;            /* 0 free, 1 live, 2 zombie                     */
    uint32_t pid, ppid, pgid, sid;
    uint32_t ruid, euid, suid, fsuid, rgid, egid, sgid, fsgid;
    uint32_t nr_groups;
    uint32_t groups[64];
    uint32_t state;             /* character for procfs: R S D T Z              */
    uint32_t nr_threads;
    uint32_t nice;              /* 0..39, 20 - nice as getpriority gives it     */
    uint32_t stopped;           /* job control stop in force                    */
    uint32_t dumpable, no_new_privs, is_session_leader, pgrp_orphaned;
    uint32_t umask_unused, tty_dev;
    uint32_t exit_code;
    uint64_t start_ticks;
    uint64_t rlimit[16][2];     /* RLIMIT_* of Linux; cur, max                  */
    uint64_t pending;           /* signals pending on the process, bit n-1      */
    uint64_t vm_id;             /* equal for processes that share memory        */
    char     comm[16];
    uint64_t cap_effective, cap_permitted, cap_inheritable;
    struct { uint32_t tid, state; uint64_t pending; } thread[VM_MAX_THREADS];
};
_Static_assert(sizeof(struct proc_page) <= PAGE_BYTES, "one page");

/* ---- page 0 of proc, which belongs to no process ----
 * Bit k % 64 of used[k / 64]: page k may say something. proc sets it (release) before it writes page k and
 * clears it when the slot is free. Who looks for a process looks here first: a page that was never written,
 * or was given back, is not in memory, and a look at it would make one. */
struct slot_map {
    uint64_t used[NR_SLOTS / 64];
};

/* ---- signal page k: the process writes, proc (and procfs) read ----
 * Nothing in it protects anybody else. */
struct sig_page {
    uint64_t ignored;           /* SIG_IGN, or SIG_DFL with default ignore      */
    uint64_t defaulted;         /* SIG_DFL                                      */
    uint64_t no_child_wait;     /* SIGCHLD: SA_NOCLDWAIT or SIG_IGN             */
    uint64_t no_child_stop;
    struct { uint64_t blocked; uint64_t waiting_for; } thread[VM_MAX_THREADS];
    /* the memory map as the process tells it, for /proc/PID */
    uint64_t arg_start, arg_end, env_start, env_end, brk_start, brk;
    uint64_t stack_start, code_start, code_end;
    uint64_t nr_unimplemented;  /* ENOSYS answers                               */
    uint64_t unimplemented[8];  /* bitmap of system-call numbers 0..511         */
    uint64_t auxv[48];
    uint64_t maps_address, maps_bytes;  /* a text the process keeps, or 0       */
};
_Static_assert(sizeof(struct sig_page) <= PAGE_BYTES, "one page");

/* ---- descriptor pages k: fs writes, process k reads ----
 * seq advances (release, never to 0) before anything changes that the process was
 * told to rely on: the descriptor itself, and what a lease covers. */
#define FD_PAGES 4
#define FD_WORDS 1024
struct fd_word {
    uint16_t kind;              /* FD_*; FD_REMOTE: ask fs                      */
    uint16_t flags;             /* FDF_*                                        */
    uint32_t seq;               /* a lease holds while it is the same           */
    uint32_t reserved[2];
};
/* FD_SIGNALFD: reads are answered by linux_compat from proc, fs.signalfd_get.
 * FD_EVENTFD: linux_compat may ask for the counter, fs.eventfd_take.
 * FD_FILE: a regular file, of which it may ask for a window and the position. */
enum { FD_CLOSED, FD_REMOTE, FD_NULL, FD_ZERO, FD_SIGNALFD, FD_EVENTFD, FD_FILE };
#define FDF_READ      0x1
#define FDF_WRITE     0x2
_Static_assert(sizeof(struct fd_word) * FD_WORDS == FD_PAGES * PAGE_BYTES, "exact");

/* ---- time's durable memory, and what fs has to know of it ---- */
#define TIME_STATE_PAGES    10240
#define NR_FS_TIMERS        4096    /* the lower half of a timer's number is less */

/* ---- the time page: time writes, all read; seqlock ---- */
struct time_page {
    uint32_t seq;               /* odd while it changes                         */
    uint32_t hz;                /* ticks a second                               */
    uint64_t mult;              /* ns = (ticks * mult) >> shift, exact for 2^63 */
    uint32_t shift, reserved;
    int64_t  realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC            */
    int64_t  tai_offset_s;
};

#endif
