/* SPDX-License-Identifier: MIT */
/* The fakes behind fake.h. */
#include "fake.h"

#include <libipc/executor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "events.h"
#include "reaper.h"
#include "shutdown.h"

struct fake fake;
union client_memory client_memory;
ticks_t fake_cpu_ticks;
struct answer answer;
static struct server_info fake_info = { .nr_harts = 2, .timebase_hz = 10000000, .guest_hart_mask = 3 };
const struct server_info *const info = &fake_info;
struct rpc_server server;
struct rpc_client fs_client, time_client[MAX_SHARDS];
#ifndef TIME_SHARDS
#define TIME_SHARDS 1
#endif
uint32_t nr_time_shards = TIME_SHARDS, time_server[MAX_SHARDS] = { SERVER_TIME, FIRST_OTHER_SERVER };

uint32_t rpc_posted(const struct rpc_client *client)
{
    return client->sq_tail;
}

bool rpc_handled(const struct rpc_client *client, uint32_t mark)
{
    return !fake.servers_are_late || (int32_t)(fake.handled_mark - mark) >= 0 || client != &fs_client;
}

/* ---- kernel ---- */

static error_t invoke(uint64_t cap, uint64_t op, const uint64_t *a, uint64_t *result)
{
    static uint16_t runs[1 << SRV_CNODE_RADIX];     /* of a TCB */
    uint64_t n;

    *result = 0;
    if (fake.fail_after >= 0 && fake.fail_after-- == 0)
        return ERR_NO_MEMORY;
    switch (op) {
    case UNTYPED_INFO: *result = 1ul << 30; break;
    case TCB_UPCALL:  fake.nr_upcalls++; break;
    case TCB_SUSPEND: fake.nr_suspends++; break;
    case SEGMENT_ZERO: fake.nr_zeroed++; break;
    case TCB_RESUME:  fake.nr_resumes++; break;
    case TCB_INFO:
        n = runs[cap];
        *(struct tcb_info *)a[0] = (struct tcb_info){ .user_ticks = n * 200000 + fake_cpu_ticks, .system_ticks = n * 100000,
                                                      .nr_faults = n * 7 };
        break;
    case TCB_WRITE_REGS: runs[cap]++; break;
    case VSPACE_QUERY:
        *(struct vspace_query *)a[1] = (struct vspace_query){ .kind = 2, .flags = VM_SHARED, .segment_id = fake.segment_id,
                                                              .segment_page = a[0] >> 12 };
        break;
    case SEGMENT_COPY: {
        struct pers_header h = { .magic = PERS_MAGIC, .nr_maps = 1, .upcall_entry = PERS_BASE + 64 };

        h.map[0] = (struct pers_map){ 0, PERS_BASE, 0x2000, 0x2000, VM_READ | VM_EXEC };
        memcpy((void *)a[2], &h, sizeof h);
        *result = sizeof h;
        break;
    }
    default: break;
    }
    return 0;
}

error_t host_syscall(uint64_t nr, uint64_t arg[7])
{
    if (nr == SYS_VSPACE_COPY) {
        uint64_t at = arg[1] - CLIENT_MEMORY, bytes = arg[3];

        fake.nr_copies++;
        if (at >= sizeof client_memory || bytes > sizeof client_memory - at)
            return ERR_FAULT;
        memcpy(arg[4] ? (char *)&client_memory + at : (void *)arg[2], arg[4] ? (void *)arg[2] : (char *)&client_memory + at,
               bytes);
        return 0;
    }
    if (nr == SYS_INVOKE)
        return invoke(arg[0], arg[1], arg + 2, &arg[1]);
    if (nr == SYS_BATCH) {
        struct invocation *list = (struct invocation *)arg[0];
        uint64_t count = arg[1];

        for (arg[1] = 0; arg[1] < count; arg[1]++) {
            struct invocation *i = &list[arg[1]];

            i->error = invoke(i->cap, i->op, i->arg, &i->result);
            if (i->error)
                return i->error;
        }
    }
    return 0;
}

/* ---- runtime ---- */

#define MAX_PARKED 64
static struct rpc_call *parked[MAX_PARKED];
static bool open_sessions[NR_SLOTS];

struct rpc_call *rpc_park(struct rpc_call *call, void (*on_cancel)(struct rpc_call *), void *context)
{
    for (unsigned i = 0; i < MAX_PARKED; i++) {
        if (parked[i])
            continue;
        parked[i] = malloc(sizeof *call);
        *parked[i] = *call;
        parked[i]->on_cancel = on_cancel;
        parked[i]->context = context;
        return parked[i];
    }
    return NULL;
}

static void answered(struct rpc_call *call, error_t error)
{
    answer.count++;
    answer.token = call->token;
    answer.error = error;
    for (unsigned i = 0; i < MAX_PARKED; i++)
        if (parked[i] == call)
            parked[i] = NULL;
    free(call);
}

static void cancel_session(uint32_t slot)
{
    for (unsigned i = 0; i < MAX_PARKED; i++)
        if (parked[i] && parked[i]->client == slot && !parked[i]->cancelled) {
            parked[i]->cancelled = true;
            parked[i]->on_cancel(parked[i]);
        }
}

void catch_all(struct process *p)
{
    sig(p)->ignored = 0;
    sig(p)->defaulted = 0;
}

void cancel_parked(struct process *p) { cancel_session(p->image->slot); }

void rpc_session_open(struct rpc_server *s, uint32_t client) { (void)s; open_sessions[client] = true; }
bool rpc_session_is_open(const struct rpc_server *s, uint32_t client) { (void)s; return open_sessions[client]; }
void rpc_session_close(struct rpc_server *s, uint32_t client)
{
    (void)s;
    open_sessions[client] = false;
    cancel_session(client);
}
error_t rpc_client_read(struct rpc_call *c, uint64_t at, void *to, size_t bytes)
{
    (void)c, (void)at;
    memcpy(to, &fake.client_word, bytes);
    return 0;
}
error_t rpc_client_write(struct rpc_call *c, uint64_t at, const void *from, size_t bytes)
{
    (void)c, (void)at, (void)from, (void)bytes;
    return 0;
}
error_t rpc_buf_write(struct rpc_call *c, const struct rpc_buf *b, uint64_t at, const void *from, size_t bytes)
{
    (void)c;
    memcpy((char *)b->local + at, from, bytes);
    return 0;
}

struct coro *coro_self(void) { return NULL; }
ticks_t exec_now(void) { return fake.now; }
ticks_t now(void) { return fake.now; }

static struct exec_timer *timers;
void exec_timer_cancel(struct exec_timer *t)
{
    for (struct exec_timer **at = &timers; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    t->armed = false;
}
void exec_timer_set(struct exec_timer *t, ticks_t deadline)
{
    exec_timer_cancel(t);
    t->deadline = deadline;
    t->armed = true;
    t->next = timers;
    timers = t;
}
void run_timers(ticks_t until)
{
    fake.now = until;
    for (struct exec_timer *t = timers, *next; t; t = next) {
        next = t->next;
        if (t->deadline <= until) {
            exec_timer_cancel(t);
            t->fire(t);
            next = timers;
        }
    }
}

/* ---- peers ---- */

uint64_t told_pending(void)
{
    unsigned nr = double_nr_calls(&fs_double, FS_METHOD_SIGNALS_PENDING);

    return nr ? fs_double_signals_pending_call(nr - 1)->pending : 0;
}

void shutdown_when_idle(uint32_t status) { fake.shutdown_status = (int)status; }
void shutdown_now(uint32_t status, bool reboot) { (void)reboot; fake.shutdown_status = (int)status; }

void reap_vm(struct vm *vm) { vm_free(vm); }
void reap_group(int group, struct image *image) { (void)image; group_free(group); }
bool reaper_busy(void) { return false; }
error_t room_for_process(void) { return 0; }
error_t reaper_wait(ticks_t deadline) { (void)deadline; return 0; }

void proc_say(const char *format, ...) { (void)format; }

/* ---- answers ---- */

void proc_wait_reply(struct rpc_call *c, error_t e, const struct proc_wait_out *o)
{
    if (o)
        answer.wait = *o;
    answered(c, e);
}
void proc_sig_wait_reply(struct rpc_call *c, error_t e, const struct proc_sig_wait_out *o)
{
    if (o)
        answer.sig_wait = *o;
    answered(c, e);
}
void proc_vfork_reply(struct rpc_call *c, error_t e, const struct proc_vfork_out *o)
{
    if (o)
        answer.vfork = *o;
    answered(c, e);
}
void proc_exec_reply(struct rpc_call *c, error_t e, const struct proc_exec_out *o) { (void)o; answered(c, e); }
void proc_futex_wait_reply(struct rpc_call *c, error_t e, const struct proc_futex_wait_out *o) { (void)o; answered(c, e); }

/* ---- the world ---- */

static void map(uint64_t at, size_t bytes)
{
    void *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE,
                   -1, 0);

    if (p != (void *)at)
        abort();
}

struct rpc_call request(struct process *p)
{
    static uint32_t token = 100;

    token++;
    return (struct rpc_call){ .client = p ? p->image->slot : SERVER_FS, .token = token };
}

static void start_init(void)
{
    struct rpc_call call = request(NULL);
    struct proc_exec_commit_in in = { .comm = (const uint8_t *)"init", .comm_bytes = 4 };
    struct proc_exec_commit_out out;

    if (proc_serve_boot_ready(&call, &(struct proc_boot_ready_in){ }) || !init_process)
        abort();
    call = request(init_process);
    if (proc_serve_exec_commit(&call, &in, &out))
        abort();
    sig(init_process)->ignored = SIG_IGNORE_SET;
    sig(init_process)->defaulted = ~0ul;
}

int world_setup(void **state)
{
    (void)state;
    map(SRV_PROC_PAGES, NR_SLOTS * PAGE_BYTES);
    map(SRV_SIG_PAGES, NR_SLOTS * PAGE_BYTES);
    map(SRV_HART_PAGE & ~0xfffful, 0x10000);
    map(SRV_THREAD_FRAMES, NR_THREAD_SLOTS * PAGE_BYTES);
    fake = (struct fake){ .now = 1000, .fail_after = -1, .shutdown_status = -1, .segment_id = 5 };
    tables_init();
    vm_init();
    if (vm_read_personality())
        return -1;
    start_init();
    return 0;
}

int world_reset(void **state)
{
    (void)state;
    fake.fail_after = -1;
    for (;;) {
        struct process *p = all_processes;

        while (p && p == init_process)
            p = p->all_next;
        if (!p)
            break;
        if (is_live(p))
            process_exit(p, SIGKILL);
        else
            process_reap(p);
    }
    cancel_parked(init_process);
    sig(init_process)->ignored = SIG_IGNORE_SET;
    sig(init_process)->no_child_wait = 0;
    page(init_process)->pending = 0;
    double_reset(&fs_double);
    double_reset(&time_double);
    answer = (struct answer){ 0 };
    fake = (struct fake){ .now = fake.now, .fail_after = -1, .shutdown_status = -1, .segment_id = 5 };
    return process_count() == 1 ? 0 : -1;
}

struct process *fork_flags(struct process *parent, uint64_t flags, error_t *error)
{
    struct rpc_call call = request(parent);
    struct proc_fork_begin_in begin = { .flags = flags };
    struct proc_fork_begin_out begun = { 0 };
    struct proc_fork_commit_in commit;
    struct proc_fork_commit_out committed = { 0 };

    *error = proc_serve_fork_begin(&call, &begin, &begun);
    if (*error)
        return NULL;
    commit = (struct proc_fork_commit_in){ .token = begun.token, .ticket = 1,
                                           .thread_index = parent->image->threads->index };
    call = request(parent);
    *error = proc_serve_fork_commit(&call, &commit, &committed);
    return *error ? NULL : process_by_pid(committed.pid);
}

struct process *do_fork(struct process *parent)
{
    error_t error;
    struct process *p = fork_flags(parent, SIGCHLD, &error);

    assert_non_null(p);
    return p;
}

error_t do_exit(struct process *p, int code)
{
    struct rpc_call call = request(p);

    return proc_serve_exit_group(&call, &(struct proc_exit_group_in){ .status = code }, NULL);
}

error_t do_kill(struct process *from, int pid, uint32_t signo)
{
    struct rpc_call call = request(from);

    return proc_serve_kill(&call, &(struct proc_kill_in){ .pid = pid, .signo = signo }, NULL);
}

error_t do_wait(struct process *p, uint32_t type, int32_t id, uint32_t options, struct proc_wait_result *result)
{
    struct rpc_call call = request(p);
    struct proc_wait_in in = { .id_type = type, .id = id, .options = options };
    struct proc_wait_out out = { 0 };
    error_t error = proc_serve_wait(&call, &in, &out);

    if (result)
        *result = out.result;
    return error;
}

struct sig_page *sig(struct process *p) { return (struct sig_page *)p->image->sig; }

bool is_pending(struct process *p, uint32_t signo)
{
    return page(p)->pending & SIG_BIT(signo);
}
