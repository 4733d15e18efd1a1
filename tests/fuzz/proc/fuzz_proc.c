/* SPDX-License-Identifier: MIT */
/* build: tests/fuzz/server/world.c libipc/src/client.c libipc/src/client_drain.c libipc/src/client_post.c
 *  libipc/src/client_args.c libipc/src/server.c libipc/src/call.c
 *  libipc/src/job.c libipc/src/coro.c libipc/src/coro_switch.S libipc/src/timer.c libipc/src/executor.c
 *  libipc/src/coro_env.c libipc/src/figures.c build/gen/proc_server.c build/gen/fs_client.c build/gen/time_client.c; tree: servers/proc -main.c
 *  -reaper.c;
 *  include: tests/fuzz/server servers/proc libipc/include microkernel/abi build/gen */
/* fuzz: runs=3000; max_len=700 */
/* proc under any requests of four processes and what becomes of them, while init looks on. The kernel says yes to all it
 * is asked, or fails when the input says so; the reaper is done at once. In the end init must be alone. */
#include <fs_client.h>
#include <libipc/syscall.h>
#include <proc_fuzz.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time_client.h>

#include "events.h"
#include "exit.h"
#include "process.h"
#include "reaper.h"
#include "signal.h"
#include "thread.h"
#include "vm.h"
#include "world.h"

#define MAX_PROCESSES 40u       /* so that an input that forks and forks stays short */

const struct server_info *const info = (const struct server_info *)SRV_INFO;
struct rpc_server server;
struct rpc_client fs_client, time_client[MAX_SHARDS];
uint32_t nr_time_shards = 1, time_server[MAX_SHARDS] = { SERVER_TIME };

ticks_t now(void) { return exec_now(); }
void proc_say(const char *format, ...) { (void)format; }

/* ---- the reaper ---- */
void reap_vm(struct vm *vm) { vm_free(vm); }
void reap_group(int group, struct image *image) { (void)image; group_free(group); }
bool reaper_busy(void) { return false; }
unsigned reaper_backlog(void) { return 0; }
error_t reaper_wait(ticks_t deadline) { (void)deadline; return 0; }

/* ---- the kernel ---- */

static error_t invoke(uint64_t a[7])
{
    static uint16_t runs[1 << SRV_CNODE_RADIX];     /* of a TCB */
    uint64_t cap = a[0] % (1 << SRV_CNODE_RADIX), op = a[1], n = runs[cap];
    void *to = (void *)(uintptr_t)a[2];

    a[1] = 0;
    switch (op) {
    case UNTYPED_INFO: a[1] = 1ul << 30; break;
    case TCB_INFO: *(struct tcb_info *)to = (struct tcb_info){ .user_ticks = n * 20, .system_ticks = n * 10, .nr_faults = n * 7 }; break;
    case TCB_WRITE_REGS: runs[cap]++; break;
    case POOL_INFO:
        *(struct pool_info *)(uintptr_t)a[3] = (struct pool_info){ .total_pages = 100000, .free_pages = 50000, .used_pages = 10 };
        break;
    case VSPACE_QUERY:
        *(struct vspace_query *)(uintptr_t)a[3] = (struct vspace_query){ .kind = a[2] % 3, .flags = VM_SHARED, .segment_id = a[2] >> 13,
                                                                         .segment_page = a[2] >> 12 & 1 };
        break;
    case SEGMENT_COPY: {
        struct pers_header h = { .magic = PERS_MAGIC, .nr_maps = 1, .upcall_entry = PERS_BASE + 64 };

        h.map[0] = (struct pers_map){ 0, PERS_BASE, 0x2000, 0x2000, VM_READ | VM_EXEC };
        memcpy((void *)(uintptr_t)a[4], &h, a[5] < sizeof h ? a[5] : sizeof h);
        a[1] = a[5] < sizeof h ? a[5] : sizeof h;
        break;
    }
    default: break;
    }
    return 0;
}

/* ---- the world ---- */

static void connect(struct rpc_client *client, unsigned id, uint64_t hash)
{
    if (rpc_client_init(client, (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES), &coro_rpc_env, SRV_CAP_DOORBELL + id,
                        SRV_CAP_NOTIFICATION, hash) != 0)
        world_fail("cannot connect");
    exec_add_client(client);
}

static void catch_all(struct process *p)
{
    struct sig_page *sig = (struct sig_page *)p->image->sig;

    sig->ignored = sig->defaulted = 0;
}

static void start(void)
{
    static const uint64_t comm[6] = { 0 };
    uint64_t result[6];

    tables_init();
    vm_init();
    if (vm_read_personality() != 0)
        world_fail("no personality");
    connect(&fs_client, SERVER_FS, FS_LAYOUT_HASH);
    connect(&time_client[0], SERVER_TIME, TIME_LAYOUT_HASH);
    world_event(SERVER_FS, PROC_METHOD_BOOT_READY, 0, 0, 0);
    if (init_process == NULL)
        world_fail("no init");
    (void)world_call(init_process->image->slot, PROC_METHOD_EXEC_COMMIT, comm, result);
}

/* fork, whole; the slot of the child, or 0. */
static uint32_t fork_from(struct process *parent, uint64_t flags)
{
    uint64_t begin[6] = { flags }, commit[6] = { 0, 1, parent->image->threads ? parent->image->threads->index : 0 }, result[6];
    uint32_t slot = parent->image->slot;
    struct process *child;

    if (process_count() >= MAX_PROCESSES || world_call(slot, PROC_METHOD_FORK_BEGIN, begin, result) != 0)
        return 0;
    commit[0] = result[1];
    if (world_call(slot, PROC_METHOD_FORK_COMMIT, commit, result) != 0)
        return 0;
    child = process_by_pid((uint32_t)result[0]);
    if (child == NULL || child->image == NULL)
        return 0;
    catch_all(child);
    return child->image->slot;
}

static void begin(void)
{
    for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
        world_client[i] = fork_from(init_process, SIGCHLD);
        if (world_client[i] == 0)
            world_fail("init cannot fork");
    }
}

/* The n-th process that is not init; NULL: there is none. */
static struct process *nth(unsigned n)
{
    unsigned nr = 0;

    for (struct process *p = all_processes; p != NULL; p = p->all_next)
        nr += p != init_process;
    n = nr ? n % nr : 0;
    for (struct process *p = all_processes; nr && p != NULL; p = p->all_next)
        if (p != init_process && n-- == 0)
            return p;
    return NULL;
}

static void event(struct input *in, unsigned kind)
{
    uint8_t b = (uint8_t)input_number(in, 1);
    struct process *p = nth(b / 4u);
    uint32_t slot;

    if (p == NULL)
        return;
    switch (kind) {
    case 0:
        slot = is_live(p) ? fork_from(p, SIGCHLD) : 0;
        if (slot != 0)
            world_client[b % WORLD_CLIENTS] = slot;
        break;
    case 1: case 2:     /* who asks from now on; the loader of an exec too */
        if (p->loading != NULL && kind == 2)
            world_client[b % WORLD_CLIENTS] = p->loading->slot;
        else if (p->image != NULL)
            world_client[b % WORLD_CLIENTS] = p->image->slot;
        break;
    case 3:
        if (p->image != NULL) {
            struct sig_page *sig = (struct sig_page *)p->image->sig;

            sig->ignored = b & 1 ? world_value(in, 8) : 0;
            sig->defaulted = b & 2 ? ~0ul : world_value(in, 8);
            sig->thread[0].blocked = world_value(in, 8);
        }
        break;
    case 4:
        world_event(SERVER_TIME, PROC_METHOD_SIGNAL_PROCESS, p->pid, world_value(in, 1) % 66 | (uint64_t)b << 32, b);
        break;
    default:
        world_event(SERVER_FS, PROC_METHOD_SIGNAL_GROUP, p->pid | (world_value(in, 1) % 66) << 32, 0, 0);
        break;
    }
}

static struct process *not_init(void)
{
    struct process *p = all_processes;

    return p == init_process ? p->all_next : p;
}

static void finish(void)
{
    for (struct process *p = not_init(); p != NULL; p = not_init()) {
        if (is_live(p))
            process_exit(p, SIGKILL);
        else
            process_reap(p);
        world_settle();
    }
    if (init_process == NULL || !is_live(init_process) || process_count() != 1)
        world_fail("init is not alone");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const text[] = { "", "/bin/sh", "name", "x", NULL };
    static const struct world_server self = {
        .self = SERVER_PROC, .interface = &proc_interface, .method = proc_fuzz_methods,
        .nr_methods = sizeof proc_fuzz_methods / sizeof proc_fuzz_methods[0], .server = &server, .start = start, .event = event,
        .begin = begin, .finish = finish, .invoke = invoke, .text = text,
    };
    return world_run(&self, data, size);
}
