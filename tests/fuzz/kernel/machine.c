/* SPDX-License-Identifier: MIT */
/* See machine.h. */
#include "machine.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "arch/riscv/csr.h"
#include "arch/riscv/fpu.h"
#include "arch/riscv/pagetable.h"
#include "arch/riscv/plic.h"
#include "arch/riscv/sbi.h"
#include "arch/riscv/tlb.h"
#include "kernel/assert.h"
#include "kernel/poison.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"
#include "object/irq.h"
#include "object/platform.h"
#include "object/pool.h"
#include "object/segment.h"
#include "object/tcb.h"

#define STACK_BYTES   (64ul << 10)
#define TLB_SLOTS     16u
#define LIMBO_SLOTS   256u
#define MAX_POINTS    200000u   /* of one kernel entry: beyond, it does not end */
#define MAX_LOOKS     48u       /* for interrupts in one entry: then one comes  */
#define MAX_TRIES     4u        /* of an access that faults                    */

uint64_t kernel_root_table[512] __attribute__((aligned(PAGE_BYTES)));
struct hart harts[MAX_HARTS];
unsigned nr_harts;
struct hart_page hart_page;
uint64_t timebase_hz;
char trap_entry[4], trap_entry_traced[4];

struct sim_hart {
    ucontext_t context;
    enum place place;
    int park_after;
    unsigned points, looks;     /* in this kernel entry                        */
    struct spinlock *wants;
    void (*work)(struct hart *h);
    bool ssip;
    uint64_t timer, sstatus, stvec;
    uint64_t f[33];
    paddr_t root;
    unsigned tlb_count, tlb_next;
    struct { uaddr_t va; pte_t pte; } tlb[TLB_SLOTS];
};

static struct sim_hart sim[SIM_HARTS];
static int running = -1;        /* the hart whose coroutine runs; -1: main      */
static ucontext_t main_context;
static struct spinlock *let_go; /* main waits for this one                     */
static bool off;
static bool frozen;             /* machine_freeze                              */
static ticks_t now;
static int locks_held[SIM_HARTS + 1];

static struct { bool pending, claimed; uint32_t enabled; } plic[IRQ_SOURCES + 1];

/* Memory of objects that are gone, and the harts that may still look at it. */
static struct { uintptr_t start; size_t bytes; uint32_t harts; } limbo[LIMBO_SLOTS];

extern char machine_stacks[SIM_HARTS][STACK_BYTES];

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "FUZZ: hart %d: ", running);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "PANIC: hart %d: ", running);
    vfprintf(stderr, format, args);     /* its formats are a subset */
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

uint32_t panicking;
void panic_trap(const uint64_t regs[32], uint64_t cause, uint64_t value)
{
    (void)regs;
    fail("trap in the kernel: cause %lx value %lx", cause, value);
}

/* ---- coroutines ---- */

static const void *main_stack;
static size_t main_stack_bytes;

static void to_main(enum place place)
{
    struct sim_hart *s = &sim[running];
    int me = running;
    void *fake;

    if (frozen)
        fail("a path that is compared stops (place %d)", (int)place);
    s->place = place;
    running = -1;
    __sanitizer_start_switch_fiber(&fake, main_stack, main_stack_bytes);
    swapcontext(&s->context, &main_context);
    __sanitizer_finish_switch_fiber(fake, &main_stack, &main_stack_bytes);
    running = me;
}

static void to_hart(unsigned id)
{
    void *fake;

    __sanitizer_start_switch_fiber(&fake, machine_stacks[id], STACK_BYTES);
    running = (int)id;
    swapcontext(&main_context, &sim[id].context);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
    running = -1;
}

void machine_point(void)
{
    if (running < 0 || frozen)
        return;
    struct sim_hart *s = &sim[running];
    if (++s->points > MAX_POINTS)
        fail("a kernel entry does not end");
    if (s->park_after >= 0 && s->park_after-- == 0)
        to_main(PLACE_KERNEL);
}

void machine_outside(void)
{
    REQUIRE(locks_held[running] == 0);
    for (unsigned i = 0; i < LIMBO_SLOTS; i++) {
        if (!(limbo[i].harts & 1u << running))
            continue;
        limbo[i].harts &= ~(1u << running);
        if (limbo[i].harts == 0)
            ASAN_POISON_MEMORY_REGION((void *)limbo[i].start, limbo[i].bytes);
    }
    sim[running].points = sim[running].looks = 0;
}

void machine_relax(void)
{
    machine_outside();
    to_main(PLACE_IDLE);
}

void machine_wait_for_interrupt(void)
{
    machine_outside();
    to_main(PLACE_ASLEEP);
}

void *machine_hart(void)
{
    return &harts[running < 0 ? 0 : running];
}

static void hart_body(int id)
{
    struct hart *h = &harts[id];

    __sanitizer_finish_switch_fiber(NULL, &main_stack, &main_stack_bytes);
    running = id;
    sched_exit(h);
    for (;;) {
        machine_outside();
        to_main(PLACE_USER);
        if (machine_interrupted((unsigned)id))
            machine_trap(h, CAUSE_INTERRUPT, 0);
        else if (sim[id].work != NULL)
            sim[id].work(h);
    }
}

/* Let hart `id` go on, and whoever holds the locks that it needs. */
static void go_on(unsigned id, unsigned depth)
{
    if (depth > nr_harts)
        fail("harts wait for each other's locks");
    for (;;) {
        to_hart(id);
        struct spinlock *lock = sim[id].wants;
        if (off || (sim[id].place != PLACE_LOCK && sim[id].place != PLACE_TRY))
            return;
        if (sim[id].place == PLACE_TRY) {   /* the holder gets one step further */
            unsigned who = lock->word - 1;
            for (unsigned n = 0; n < nr_harts && lock->word != 0 && who != id &&
                 sim[who].place == PLACE_LOCK && sim[who].wants->word != 0; n++)
                who = sim[who].wants->word - 1;
            if (lock->word != 0 && who != id && sim[who].place == PLACE_LOCK &&
                sim[who].wants->word != 0)
                fail("harts wait for each other's locks");
            if (lock->word != 0 && who != id) {
                sim[who].park_after = 0;
                to_hart(who);
            }
            continue;
        }
        while (lock->word != 0 && !off) {
            unsigned holder = lock->word - 1;
            struct spinlock *outer = let_go;
            if (holder == id)
                fail("a hart takes a lock that it holds");
            if (holder >= nr_harts)
                fail("a lock is held by nobody");
            if (sim[holder].place <= PLACE_ASLEEP)
                fail("hart %u has left the kernel with a lock", holder);
            let_go = lock;
            sim[holder].park_after = -1;
            go_on(holder, depth + 1);
            let_go = outer;
        }
    }
}

void machine_run(unsigned hart, int park_after, void (*work)(struct hart *h))
{
    sim[hart].park_after = park_after;
    sim[hart].work = work;
    go_on(hart, 0);
}

bool machine_alone(void)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if ((int)i != running && sim[i].place > PLACE_ASLEEP)
            return false;
    return sim[running].park_after < 0;
}

void machine_freeze(bool freeze) { frozen = freeze; }

uint64_t *machine_timer(unsigned hart) { return &sim[hart].timer; }
bool machine_traced(void) { return sim[running].stvec == (uintptr_t)trap_entry_traced; }
uint64_t machine_root(unsigned hart) { return sim[hart].root; }
enum place machine_place(unsigned hart) { return sim[hart].place; }
bool machine_off(void) { return off; }

bool machine_quiet(void)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if (sim[i].place > PLACE_ASLEEP)
            return false;
    return true;
}

void machine_start(unsigned count, struct tcb *first)
{
    nr_harts = count;
    have_sstc = true;
    timebase_hz = 10000000;
    irq_sources = IRQ_SOURCES;
    hart_page.nr_harts = count;
    now = 1000;
    for (unsigned i = 0; i < count; i++) {
        struct hart *h = &harts[i];
        h->id = h->mhartid = h->plic_context = i;
        h->mask = 1ul << i;
        h->load = &hart_page.hart[i];
        h->running_priority = PRIORITY_IDLE;
        h->poll_ticks = 50;
        h->armed = DEADLINE_NONE;
        h->online = true;
        run_queue_init(&h->queue);
        sim[i].timer = DEADLINE_NONE;
        ASAN_UNPOISON_MEMORY_REGION(machine_stacks[i], STACK_BYTES);
        getcontext(&sim[i].context);
        sim[i].context.uc_stack.ss_sp = machine_stacks[i];
        sim[i].context.uc_stack.ss_size = STACK_BYTES;
        sim[i].context.uc_link = NULL;
        makecontext(&sim[i].context, (void (*)(void))(uintptr_t)hart_body, 1, (int)i);
        sim[i].place = PLACE_KERNEL;
    }
    for (unsigned i = 256; i < 512; i++)
        kernel_root_table[i] = i;
    sched_make_runnable(&harts[0], first);
    for (unsigned i = 0; i < count; i++)
        machine_run(i, -1, NULL);
}

/* ---- locks ---- */

bool machine_trylock(struct spinlock *lock)
{
    machine_point();
    if (lock->word != 0) {
        if (running < 0)
            fail("a lock is held");
        sim[running].wants = lock;
        if (++sim[running].points > MAX_POINTS)
            fail("a hart tries to get a lock for ever");
        to_main(PLACE_TRY);
        return false;
    }
    lock->word = running < 0 ? MAX_HARTS + 1 : (uint32_t)running + 1;
    locks_held[running < 0 ? (int)SIM_HARTS : running]++;
    return true;
}

void machine_lock(struct spinlock *lock)
{
    machine_point();
    while (lock->word != 0) {
        if (running < 0)
            fail("a lock is held");
        if (lock->word == (uint32_t)running + 1)
            fail("a hart takes a lock that it holds");
        sim[running].wants = lock;
        to_main(PLACE_LOCK);
    }
    lock->word = running < 0 ? MAX_HARTS + 1 : (uint32_t)running + 1;
    locks_held[running < 0 ? (int)SIM_HARTS : running]++;
}

void machine_unlock(struct spinlock *lock)
{
    if (lock->word != (running < 0 ? MAX_HARTS + 1 : (uint32_t)running + 1))
        fail("a hart lets go of a lock that it does not hold");
    lock->word = 0;
    locks_held[running < 0 ? (int)SIM_HARTS : running]--;
    if (running >= 0 && let_go == lock)
        to_main(PLACE_KERNEL);
    else
        machine_point();
}

/* ---- registers, time, interrupts ---- */

ticks_t machine_now(void) { return now; }
void machine_advance(uint64_t ticks) { now += ticks; }
uint64_t machine_time(void) { return frozen ? now : ++now; }

static bool external(unsigned id)
{
    for (unsigned i = 1; i <= IRQ_SOURCES; i++)
        if (plic[i].pending && !plic[i].claimed && plic[i].enabled & 1u << id)
            return true;
    return false;
}

static uint64_t sip(unsigned id)
{
    return (sim[id].ssip ? SIP_SSIP : 0) | (now >= sim[id].timer ? SIP_STIP : 0) |
           (external(id) ? SIP_SEIP : 0);
}

bool machine_interrupted(unsigned hart) { return sip(hart) != 0; }

uint64_t machine_csr_read(const char *name)
{
    REQUIRE(running >= 0);
    if (strcmp(name, "sip") == 0) {
        machine_point();
        if (!frozen && ++sim[running].looks > MAX_LOOKS)
            sim[running].ssip = true;
        return sip((unsigned)running);
    }
    if (strcmp(name, "instret") == 0)
        return now;
    REQUIRE(strcmp(name, "sstatus") == 0);
    return sim[running].sstatus;
}

void machine_csr_write(const char *name, uint64_t value)
{
    REQUIRE(running >= 0);
    if (strcmp(name, "sip") == 0)
        sim[running].ssip = (value & SIP_SSIP) != 0;
    else if (strcmp(name, "sstatus") == 0)
        sim[running].sstatus = value;
    else if (strcmp(name, "stvec") == 0)
        sim[running].stvec = value;
    else
        fail("csr %s", name);
}

void machine_set_timer(uint64_t when)
{
    sim[running].timer = when;
}

void machine_raise(uint32_t source)
{
    plic[source].pending = true;
}

void plic_route(uint32_t source, uint32_t context, bool enable)
{
    REQUIRE(source > 0 && source <= IRQ_SOURCES && context < nr_harts);
    if (enable)
        plic[source].enabled |= 1u << context;
    else
        plic[source].enabled &= ~(1u << context);
}

uint32_t plic_claim(uint32_t context)
{
    for (uint32_t i = 1; i <= IRQ_SOURCES; i++) {
        if (!plic[i].pending || plic[i].claimed || !(plic[i].enabled & 1u << context))
            continue;
        plic[i].pending = false;
        plic[i].claimed = true;
        return i;
    }
    return 0;
}

void plic_complete(uint32_t context, uint32_t source)
{
    REQUIRE(source > 0 && source <= IRQ_SOURCES && context < nr_harts);
    REQUIRE(plic[source].enabled & 1u << context);      /* else it would be ignored */
    plic[source].claimed = false;
}

void sbi_console_write(const char *text, size_t len)
{
    if (getenv("FUZZ_CONSOLE") != NULL)
        fwrite(text, 1, len, stderr);
}

void sbi_set_timer(ticks_t when) { machine_set_timer(when); }

void sbi_send_ipi(uint64_t mask)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if (mask >> i & 1)
            sim[i].ssip = true;
}

void sbi_shutdown(bool failed, bool reboot)
{
    (void)failed, (void)reboot;
    off = true;
    for (;;)
        to_main(PLACE_KERNEL);
}

/* ---- floating point ---- */

void fp_save(uint64_t f[33])
{
    REQUIRE((sim[running].sstatus & SSTATUS_FS_MASK) != 0);
    memcpy(f, sim[running].f, sizeof(sim[running].f));
}

void fp_restore(const uint64_t f[33])
{
    REQUIRE((sim[running].sstatus & SSTATUS_FS_MASK) != 0);
    memcpy(sim[running].f, f, sizeof(sim[running].f));
}

/* The registers hold the thread's own number, or zero at its first use. */
void machine_fp(struct hart *h)
{
    struct sim_hart *s = &sim[running];
    struct tcb *t = h->current;

    if ((s->sstatus & SSTATUS_FS_MASK) == 0) {
        machine_trap(h, CAUSE_ILLEGAL, 0);
        if (h->current != t || (s->sstatus & SSTATUS_FS_MASK) == 0)
            return;
    }
    s->f[0]++;
    s->sstatus |= SSTATUS_FS_DIRTY;
}

/* ---- translation ---- */

static void tlb_drop(unsigned id, uaddr_t start, uint64_t bytes)
{
    struct sim_hart *s = &sim[id];

    for (unsigned i = 0; i < s->tlb_count; ) {
        if (!bytes || (s->tlb[i].va >= start && s->tlb[i].va - start < bytes))
            s->tlb[i] = s->tlb[--s->tlb_count];
        else
            i++;
    }
}

void tlb_local_page(uaddr_t va) { tlb_drop((unsigned)running, va & ~4095ul, 4096); }
void tlb_local_all(void) { tlb_drop((unsigned)running, 0, 0); }
void icache_remote(uint64_t mask) { (void)mask; }

void tlb_remote(uint64_t mask, uaddr_t start, size_t bytes)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if (mask >> i & 1)
            tlb_drop(i, start & ~4095ul, bytes);
}

void machine_satp(uint64_t satp)
{
    REQUIRE(satp >> 60 == SATP_SV39 >> 60);
    sim[running].root = satp << 20 >> 8;    /* the page number, times a page */
    sim[running].tlb_count = 0;
}

/* The leaf that the hardware finds, or 0. */
static pte_t walk(paddr_t root, uaddr_t va)
{
    const pte_t *table = (const pte_t *)root;

    if (va >= USER_TOP || root == 0)
        return 0;
    for (unsigned level = 2; ; level--) {
        pte_t pte = table[pte_index(va, level)];
        if (!(pte & PTE_V))
            return 0;
        if (pte_is_table(pte)) {
            REQUIRE(level > 0);
            table = pte_table(pte);
            continue;
        }
        REQUIRE(pte & PTE_U && pte & PTE_A && pte & PTE_D && !(pte >> 54));
        REQUIRE(!(pte & PTE_W) || (pte & PTE_R));
        return pte + pte_of_paddr(va & (LEVEL_BYTES(level) - 1) & ~4095ul);
    }
}

static pte_t translate(uaddr_t va, pte_t need)
{
    struct sim_hart *s = &sim[running];
    pte_t pte;

    for (unsigned i = 0; i < s->tlb_count; i++)
        if (s->tlb[i].va == (va & ~4095ul)) {
            if ((s->tlb[i].pte & need) == need)
                return s->tlb[i].pte;
            s->tlb[i] = s->tlb[--s->tlb_count];     /* walks again */
            break;
        }
    pte = walk(s->root, va);
    if ((pte & need) != need)
        return 0;
    unsigned at = s->tlb_count < TLB_SLOTS ? s->tlb_count++ : s->tlb_next++ % TLB_SLOTS;
    s->tlb[at].va = va & ~4095ul;
    s->tlb[at].pte = pte;
    return pte;
}

/* The page under an access, or NULL: it cannot be, or another thread runs. */
static char *user_page(struct hart *h, uaddr_t va, pte_t need, uint64_t cause)
{
    struct tcb *t = h->current;

    for (unsigned i = 0; i < MAX_TRIES; i++) {
        pte_t pte = translate(va, need);
        if (pte != 0) {
            paddr_t pa = pte_paddr(pte);
            if (pa >= DEVICE_BASE && pa < DEVICE_BASE + (1ul << DEVICE_BITS))
                return NULL;
            if (!memory_is_live((void *)pa, PAGE_BYTES))
                fail("a program reaches a free page at %lx", va);
            return (char *)pa;
        }
        machine_trap(h, cause, va);
        if (h->current != t)
            return NULL;
    }
    return NULL;
}

bool machine_store(struct hart *h, uint64_t va, const void *data, size_t n)
{
    while (n > 0) {
        size_t at = va & 4095, piece = 4096 - at < n ? 4096 - at : n;
        char *page = user_page(h, va, PTE_W, CAUSE_STORE_PAGE);
        if (page == NULL)
            return false;
        memcpy(page + at, data, piece);
        data = (const char *)data + piece;
        va += piece;
        n -= piece;
    }
    return true;
}

bool machine_load(struct hart *h, uint64_t va, void *data, size_t n)
{
    while (n > 0) {
        size_t at = va & 4095, piece = 4096 - at < n ? 4096 - at : n;
        char *page = user_page(h, va, PTE_R, CAUSE_LOAD_PAGE);
        if (page == NULL)
            return false;
        memcpy(data, page + at, piece);
        data = (char *)data + piece;
        va += piece;
        n -= piece;
    }
    return true;
}

bool machine_fetch(struct hart *h, uint64_t va)
{
    return user_page(h, va, PTE_X, CAUSE_FETCH_PAGE) != NULL;
}

/* ---- memory ---- */

static bool in_arena(uintptr_t start)
{
    return start >= (uintptr_t)arena && start < (uintptr_t)arena + ARENA_BYTES;
}

void memory_in_use(const void *start, size_t bytes)
{
    uintptr_t from = (uintptr_t)start;
    uint32_t me = running < 0 ? 0 : 1u << running;

    if (!in_arena(from) || !in_arena(from + bytes - 1))
        fail("%lx, %zu bytes, are no memory", from, bytes);
    for (unsigned i = 0; i < LIMBO_SLOTS; i++) {
        if (limbo[i].harts == 0 || limbo[i].start + limbo[i].bytes <= from ||
            limbo[i].start >= from + bytes)
            continue;
        if (limbo[i].harts & ~me)
            fail("memory at %lx is used again while harts %x may look at it", from,
                 limbo[i].harts & ~me);
        limbo[i].harts = 0;
    }
    ASAN_UNPOISON_MEMORY_REGION(start, bytes);
    memset((void *)from, 0xa5, bytes);
}

void pages_unused(const void *start, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        ASAN_POISON_MEMORY_REGION((const char *)start + i * PAGE_BYTES + 8, PAGE_BYTES - 8);
}

static size_t pool_bytes(const struct pool *pool)
{
    return pool->base_kva + pool->ranges[0].end * PAGE_BYTES - (uintptr_t)pool;
}

void object_unused(uint64_t word0)
{
    static const uint8_t bits[CAP_TYPE_COUNT] = {
        [CAP_TYPE_TCB] = TCB_BITS, [CAP_TYPE_SCHED_CONTEXT] = SCHED_CONTEXT_BITS,
        [CAP_TYPE_ENDPOINT] = ENDPOINT_BITS, [CAP_TYPE_REPLY] = REPLY_BITS,
        [CAP_TYPE_NOTIFICATION] = NOTIFICATION_BITS, [CAP_TYPE_VSPACE] = VSPACE_BITS,
        [CAP_TYPE_SEGMENT] = SEGMENT_BITS,
    };
    void *object = cap_object(word0);
    uintptr_t start = (uintptr_t)object;
    size_t bytes = 1ul << bits[cap_type(word0)];
    uint32_t who = 0;

    if (cap_type(word0) == CAP_TYPE_IRQ)
        return;
    if (cap_type(word0) == CAP_TYPE_CNODE)
        bytes = 1ul << (SLOT_BITS + cap_extra(word0));
    if (cap_type(word0) == CAP_TYPE_POOL)
        bytes = pool_bytes(object);
    if (cap_type(word0) == CAP_TYPE_SEGMENT && !in_arena(start)) {
        start = ((struct segment *)object)->base;
        bytes = ((struct segment *)object)->size_pages << PAGE_BITS;
    }
    if (!in_arena(start))
        return;
    for (unsigned i = 0; i < nr_harts; i++)
        if (sim[i].place > PLACE_ASLEEP || (int)i == running)
            who |= 1u << i;
    for (unsigned i = 0; i < LIMBO_SLOTS; i++)
        if (limbo[i].harts == 0) {
            limbo[i].start = start;
            limbo[i].bytes = bytes;
            limbo[i].harts = who;
            return;
        }
}

bool memory_is_live(const void *start, size_t bytes)
{
    return __asan_region_is_poisoned((void *)(uintptr_t)start, bytes) == NULL;
}

bool page_is_poisoned(const void *page)
{
    for (size_t at = 8; at < PAGE_BYTES; at += 1360)
        if (!__asan_address_is_poisoned((const char *)page + at))
            return false;
    return true;
}
