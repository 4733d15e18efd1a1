/* SPDX-License-Identifier: MIT */
/* See kt.h. guest: smp=1,2,4,8; timeout=900 */
#include "kt.h"

#define ARENA_BITS 25
#define NR_STACKS  96
#define STACK      8192ul
#define BUFFERS_AT 0x2d000000ul

/* The linker collects the cases where C programs have their constructors. */
extern const struct test_case *const __init_array_start[], *const __init_array_end[];

static struct bootinfo *info;
static cptr_t first_slot, next_slot, arena, never, context, pool, shared_segment;
static unsigned nr_tests, nr_failed, nr_stacks, nr_buffers;
static bool failed, in_case;
static uint64_t random_state = 12345;
static char stacks[NR_STACKS][STACK] __attribute__((aligned(16)));

extern char thread_start[];

/* ---- output ---- */

void print(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    sys(SYS_DEBUG_WRITE, CAP_INIT_PLATFORM, (uint64_t)s, n, 0, 0, 0, 0);
}

char *append(char *at, const char *s)
{
    while (*s)
        *at++ = *s++;
    *at = '\0';
    return at;
}

void print_number(long v)
{
    char text[24];
    int at = 23;
    bool minus = v < 0;
    unsigned long u = minus ? -(unsigned long)v : (unsigned long)v;

    text[at] = '\0';
    do
        text[--at] = (char)('0' + u % 10);
    while ((u /= 10) != 0);
    if (minus)
        text[--at] = '-';
    print(text + at);
}

bool kt_check(bool ok, const char *what, long value, const char *file, int line)
{
    if (ok)
        return true;
    print("# ");
    print(file);
    print(":");
    print_number(line);
    print(": ");
    print(what);
    print(": got ");
    print_number(value);
    print("\n");
    failed = true;
    return false;
}

static void result(const char *group, const char *name, const char *why_skipped)
{
    nr_tests++;
    nr_failed += failed;
    print(failed ? "not ok " : "ok ");
    print_number(nr_tests);
    print(" - ");
    print(group);
    print("/");
    print(name);
    if (why_skipped) {
        print(" # SKIP ");
        print(why_skipped);
    }
    print("\n");
}

_Noreturn void finish(void)
{
    print("1..");
    print_number(nr_tests);
    print("\n");
    invoke(CAP_INIT_PLATFORM, PLATFORM_SHUTDOWN, nr_failed || failed ? 1 : 0, 0, 0, 0, 0);
    for (;;)
        ;
}

static const char *find_word(const char *line, const char *word)
{
    for (; *line; line++) {
        size_t i = 0;
        while (word[i] && line[i] == word[i])
            i++;
        if (!word[i])
            return line + i;
    }
    return NULL;
}

bool option(const char *word) { return find_word(info->command_line, word) != NULL; }

uint64_t option_number(const char *word, uint64_t otherwise)
{
    const char *at = find_word(info->command_line, word);
    uint64_t n = 0;

    if (!at || *at++ != '=')
        return otherwise;
    for (; *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

/* ---- the world of a case ---- */

cptr_t slots(unsigned n)
{
    cptr_t s = next_slot;
    next_slot += n;
    return s;
}

cptr_t main_untyped(void) { return arena; }
unsigned hart_count(void) { return (unsigned)info->nr_harts; }
cptr_t last_context(void) { return context; }

error_t retype(cptr_t ut, enum cap_type type, uint64_t size, cptr_t at, uint64_t count, uint64_t extra)
{
    return invoke(ut, UNTYPED_RETYPE, type, size, at, count, extra);
}

cptr_t make(enum cap_type type, uint64_t size, uint64_t extra)
{
    cptr_t s = slots(1);

    return OK(retype(arena, type, size, s, 1, extra)) ? s : 0;
}

cptr_t note(void) { return make(CAP_TYPE_NOTIFICATION, 0, 0); }

cptr_t mint(cptr_t source, badge_t badge)
{
    cptr_t s = slots(1);

    OK(invoke(CAP_INIT_CNODE, CNODE_MINT, s, source, RIGHTS_ALL, badge, 0));
    return s;
}

cptr_t copy_cap(cptr_t source, unsigned rights)
{
    cptr_t s = slots(1);

    OK(invoke(CAP_INIT_CNODE, CNODE_COPY, s, source, rights, 0, 0));
    return s;
}

error_t destroy(cptr_t c) { return invoke(CAP_INIT_CNODE, CNODE_DELETE, c, 0, 0, 0, 0); }
error_t revoke(cptr_t c) { return invoke(CAP_INIT_CNODE, CNODE_REVOKE, c, 0, 0, 0, 0); }

uint64_t inspect(cptr_t slot)
{
    return (uint64_t)sys(SYS_INVOKE, CAP_INIT_CNODE, CNODE_INSPECT, slot, 0, 0, 0, 0).a[1];
}

void pause_for(ticks_t ticks) { sys_wait(never, now() + ticks, NULL); }
error_t wait_for(cptr_t n, ticks_t ms) { return sys_wait(n, now() + ms * MS, NULL); }
void random_seed(uint64_t seed) { random_state = seed * 2654435761u + 88172645463325252u; }

uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

cptr_t pool_of_case(void)
{
    if (pool == 0)
        pool = make(CAP_TYPE_POOL, 1024, 0);
    return pool;
}

cptr_t new_vspace(unsigned account)
{
    cptr_t p = pool_of_case(), v = make(CAP_TYPE_VSPACE, 0, 0);

    OK(invoke(v, VSPACE_INIT, p, account, 0, 0, 0));
    return v;
}

cptr_t new_segment(uint64_t pages)
{
    cptr_t p = pool_of_case(), s = make(CAP_TYPE_SEGMENT, 0, p);

    OK(invoke(s, SEGMENT_RESIZE, pages, 0, 0, 0, 0));
    return s;
}

cptr_t space_clone(void)
{
    cptr_t v = make(CAP_TYPE_VSPACE, 0, 0);

    OK(invoke(v, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0));
    OK(invoke(v, VSPACE_CLONE, CAP_INIT_VSPACE, 0, 0, 0, 0));
    return v;
}

uint64_t peek(cptr_t v, uint64_t va)
{
    uint64_t value = 0;
    struct ret r = sys(SYS_VSPACE_COPY, v, va, (uint64_t)&value, 8, 0, 0, 0);

    return r.a[0] == 0 ? value : ~0ul;
}

error_t poke(cptr_t v, uint64_t va, uint64_t value)
{
    return (error_t)sys(SYS_VSPACE_COPY, v, va, (uint64_t)&value, 8, 1, 0, 0).a[0];
}

/* ---- threads ---- */

void fill_regs(struct tcb_regs *r, void (*f)(uint64_t), uint64_t arg)
{
    for (int i = 0; i < 32; i++)
        r->x[i] = 0;
    r->x[0] = (uint64_t)thread_start;
    r->x[2] = (uint64_t)(stacks[nr_stacks++ % NR_STACKS] + STACK);
    r->x[8] = (uint64_t)f;
    r->x[10] = arg;
}

cptr_t spawn_in(cptr_t vspace, unsigned hart, unsigned priority)
{
    cptr_t t = make(CAP_TYPE_TCB, 0, 0);

    context = make(CAP_TYPE_SCHED_CONTEXT, 0, 0);
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, vspace, context, priority | hart << 8, 0));
    invoke(t, TCB_SET_NAME, 0x64616572687474, 0, 0, 0, 0);
    return t;
}

cptr_t spawn_stopped(unsigned hart, unsigned priority)
{
    return spawn_in(CAP_INIT_VSPACE, hart, priority);
}

error_t start(cptr_t t, void (*f)(uint64_t), uint64_t arg)
{
    struct tcb_regs r;

    fill_regs(&r, f, arg);
    return invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
}

cptr_t spawn(unsigned hart, unsigned priority, void (*f)(uint64_t), uint64_t arg)
{
    cptr_t t = spawn_stopped(hart, priority);

    OK(start(t, f, arg));
    return t;
}

struct tcb_info thread_info(cptr_t t)
{
    struct tcb_info ti = { .state = 99 };

    invoke(t, TCB_INFO, (uint64_t)&ti, 0, 0, 0, 0);
    return ti;
}

unsigned thread_state(cptr_t t) { return (unsigned)thread_info(t).state; }
error_t resume(cptr_t t) { return invoke(t, TCB_RESUME, 0, 0, 0, 0, 0); }
error_t suspend(cptr_t t) { return invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0); }

_Noreturn void rest(void)
{
    for (;;)
        sys_wait(never, DEADLINE_NONE, NULL);
}

struct ipc_buffer *give_buffer(cptr_t t)
{
    uint64_t at = BUFFERS_AT + PAGE * nr_buffers++;
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);

    OK(invoke(seg, SEGMENT_RESIZE, 1, 0, 0, 0, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, at, PAGE, RW | VM_SHARED, seg, 0));
    OK(invoke(t, TCB_SET_IPC_BUFFER, seg, 0, at, 0, 0));
    return (struct ipc_buffer *)at;
}

struct kernel_counters counters(unsigned hart)
{
    struct kernel_counters c = { 0 };

    invoke(CAP_INIT_PLATFORM, PLATFORM_COUNTERS, (uint64_t)&c, hart, 0, 0, 0);
    return c;
}

/* ---- running ---- */

static uint64_t free_bytes(void)
{
    return (uint64_t)sys(SYS_INVOKE, arena, UNTYPED_INFO, 0, 0, 0, 0, 0).a[1];
}

/* Nothing of a case may be left. Its address ranges go first, since a Segment that
 * is deleted does the same more slowly. */
static void clean_up(void)
{
    invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, HERE, HERE_BYTES, 0, 0, 0);
    OK(revoke(arena));
    for (cptr_t s = first_slot; s < next_slot; s++)
        OK(destroy(s));
    CHECK_EQ(free_bytes(), 1ul << ARENA_BITS);
    invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, BUFFERS_AT, PAGE * 256, 0, 0, 0);
    invoke(CAP_INIT_TCB, TCB_SET_PRIORITY, 128, 0, 0, 0, 0);
    next_slot = first_slot;
    nr_stacks = nr_buffers = 0;
    pool = 0;
}

void run_case(const char *group, const char *name, unsigned harts, void (*run)(void))
{
    bool nested = in_case;

    if (harts > hart_count()) {
        result(group, name, harts == 2 ? "needs 2 harts" : "needs more harts");
        return;
    }
    in_case = true;
    failed = false;
    for (unsigned i = 0; i < 512; i++)
        sh->word[i] = 0;
    ticks_t began = now();
    run();
    clean_up();
    if (now() - began > 1000 * MS) {
        print("# took ");
        print_number((long)((now() - began) / MS));
        print(" ms:\n");
    }
    result(group, name, NULL);
    in_case = nested;
}

static bool wanted(const struct test_case *t)
{
    const char *group = find_word(info->command_line, "group=");
    const char *name = find_word(info->command_line, "case=");

    return (!group || find_word(group, t->group) == group + __builtin_strlen(t->group)) &&
           (!name || find_word(name, t->name) == name + __builtin_strlen(t->name));
}

static void run_all(void)
{
    /* cppcheck-suppress comparePointers ; the linker puts both at one array */
    for (const struct test_case *const *at = __init_array_start; at < __init_array_end; at++) {
        const struct test_case *t = *at;
        if (!wanted(t))
            continue;
        if (t->harts == 0)
            t->run();
        else
            run_case(t->group, t->name, t->harts, t->run);
    }
}

static void set_up(void)
{
    unsigned best = 0;
    cptr_t untyped = 0;

    next_slot = info->first_free_slot;
    for (unsigned i = 0; i < info->nr_untypeds; i++) {
        if (info->untyped[i].device || info->untyped[i].size_bits <= best)
            continue;
        best = info->untyped[i].size_bits;
        untyped = CAP_INIT_FIRST_UNTYPED + i;
    }
    arena = slots(1);
    never = slots(1);
    shared_segment = slots(1);
    OK(retype(untyped, CAP_TYPE_UNTYPED, ARENA_BITS, arena, 1, 0));
    OK(retype(untyped, CAP_TYPE_NOTIFICATION, 0, never, 1, 0));
    OK(retype(untyped, CAP_TYPE_SEGMENT, 0, shared_segment, 1, CAP_INIT_POOL));
    OK(invoke(shared_segment, SEGMENT_RESIZE, 1, 0, 0, 0, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, SHARED_AT, PAGE, RW | VM_SHARED, shared_segment, 0));
    first_slot = next_slot;
}

_Noreturn void root_main(struct bootinfo *bi)
{
    info = bi;
    print("# root task runs\n");
    set_up();
    if (option("cross-pause")) {
        bench_cross(CROSS_PAUSE);
    } else if (option("cross-call")) {
        bench_cross(CROSS_CALL);
    } else if (option("cross-signal")) {
        bench_cross(CROSS_SIGNAL);
    } else if (option("pairs")) {
        bench_pairs();
    } else if (option("bench")) {
        bench();
        memory_bench();
    } else if (option("root-faults")) {
        __builtin_trap();
    } else if (option("wake-ups")) {
        stretch_of_wake_ups();
    } else if (option("stretch")) {
        stretches();
    } else if (option("soak")) {
        long_stress(option_number("soak", 60), option_number("seed", 1), option_number("slices", ~0ul));
    } else {
        run_all();
    }
    finish();
}
