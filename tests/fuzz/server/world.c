/* SPDX-License-Identifier: MIT */
/* See world.h. */
#include "world.h"

#include <libipc/syscall.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NR_COROUTINES 8
#define COROUTINE_BYTES (128ul * 1024)
#define NR_RESULTS 16
#define TURNS_MAX 20000
#define LAST_SLOT (FIRST_PROCESS_SLOT + 64u)    /* whose answers are taken             */
#define TIMEBASE 10000000u

struct server_info world_info = { .timebase_hz = TIMEBASE, .nr_harts = 2, .guest_hart_mask = 3, .command_line = "test",
                                 .peer[SERVER_TIME] = { .name = "time", .first = SERVER_TIME } };

static const struct world_server *world;
static ticks_t clock_now = TIMEBASE;
static uint64_t results[NR_RESULTS];        /* words that were answered, the last ones */
static unsigned nr_results;
static int fail_after;                      /* invocations until one fails; < 0: none  */
static bool peers_hold;                     /* the other servers do not answer now     */
static uint64_t random_state;
static uint32_t next_token[NR_SLOTS];
static bool show;
uint32_t world_client[WORLD_CLIENTS] = { FIRST_PROCESS_SLOT, FIRST_PROCESS_SLOT + 1, FIRST_PROCESS_SLOT + 2, FIRST_PROCESS_SLOT + 3 };
static struct { uint32_t client, token; struct cq_entry answer; bool answered; } call;     /* world_call */

void world_fail(const char *what)
{
    printf("FUZZ: %s\n", what);
    (void)fflush(stdout);
    abort();
}

/* ---- the input ---- */

uint64_t input_number(struct input *in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        value |= (uint64_t)*in->at++ << 8 * i;
    return value;
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

uint64_t world_value(struct input *in, unsigned bytes)
{
    static const uint64_t striking[] = {
        0, -1ul, -100ul, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 4095, 4096, 4097, 0x10000,
        0x7ffff000, 512, 0x100000000, -2ul, 0x80000, 0x800, 0x40, 0x441, 0x241, 0x80241, 1000000000, 999999999, 0x3fffffff, 0x3ffffffe,
        WORLD_MEMORY, WORLD_MEMORY + WORLD_MEMORY_BYTES - 8, 65536, 1024, 1023, 64,
    };
    uint8_t b = (uint8_t)input_number(in, 1);

    if (b < 0x60)
        return b % 24;
    if (b < 0x90)
        return striking[b % (sizeof striking / sizeof striking[0])];
    if (b < 0xa0)
        return results[b % NR_RESULTS];
    if (b < 0xe0)
        return 1ul << b % 64;
    if (b < 0xe8)
        return WORLD_MEMORY + input_number(in, 1) * 64;
    return input_number(in, bytes);
}

/* ---- client memory ---- */

uint8_t *world_memory(uint64_t address, uint64_t *bytes)
{
    uint64_t at = address - WORLD_MEMORY;

    if (at >= WORLD_MEMORY_BYTES)
        *bytes = 0;
    else if (*bytes > WORLD_MEMORY_BYTES - at)
        *bytes = WORLD_MEMORY_BYTES - at;
    return (uint8_t *)(uintptr_t)address;
}

static error_t copy_client(uint64_t address, void *own, uint64_t bytes, bool into, uint64_t *done)
{
    uint8_t *memory = world_memory(address, &bytes);
    uint64_t wanted = *done;

    *done = bytes;
    if (bytes == 0)
        return wanted == 0 ? 0 : ERR_FAULT;
    if (into)
        memcpy(memory, own, bytes);
    else
        memcpy(own, memory, bytes);
    return bytes == wanted ? 0 : ERR_FAULT;
}

/* ---- the kernel ---- */

static error_t invoke(uint64_t a[7])
{
    if (fail_after >= 0 && fail_after-- == 0) {
        a[1] = 0;
        return ERR_NO_MEMORY;
    }
    return world->invoke(a);
}

static error_t batch(uint64_t a[7])
{
    struct invocation *list = (struct invocation *)(uintptr_t)a[0];
    uint64_t count = a[1];

    for (a[1] = 0; a[1] < count; a[1]++) {
        struct invocation *i = &list[a[1]];
        uint64_t arg[7] = { i->cap, i->op };

        memcpy(arg + 2, i->arg, sizeof i->arg);
        i->error = invoke(arg);
        i->result = arg[1];
        if (i->error != 0)
            return i->error;
    }
    return 0;
}

error_t host_syscall(uint64_t nr, uint64_t a[7])
{
    uint64_t done;
    error_t error;

    switch (nr) {
    case SYS_COUNT:
        a[1] = clock_now;
        return 0;
    case SYS_VSPACE_COPY:
        done = a[3];
        error = copy_client(a[1], (void *)(uintptr_t)a[2], a[3], a[4] != 0, &done);
        a[1] = done;
        return error;
    case SYS_INVOKE:
        return invoke(a);
    case SYS_BATCH:
        return batch(a);
    case SYS_WAIT:
    case SYS_SIGNAL_WAIT:
        return ERR_WOULD_BLOCK;
    default:
        return 0;
    }
}

/* ---- the other servers: they answer what they are asked with success and any words, or fail ---- */

static bool peer_answers(enum server_id id)
{
    struct session *s = (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES);
    bool any = false;

    while (s->header.sq_head != s->header.sq_tail) {
        struct sq_entry e = s->sq[s->header.sq_head++ % SQ_ENTRIES];
        struct cq_entry *c = &s->cq[s->header.cq_tail % CQ_ENTRIES];

        any = true;
        if (e.token == TOKEN_EVENT || e.flags & SQ_CANCEL)
            continue;
        *c = (struct cq_entry){ .token = e.token, .error = next_random() % 8 ? 0 : ERR_NO_PROCESS };
        for (unsigned i = 0; i < 6; i++)
            c->word[i] = next_random() % 4 ? next_random() % 64 : next_random();
        if (e.arena_slot < ARENA_SLOTS) {
            c->arena_bytes = ARENA_SLOT_BYTES;
            for (unsigned i = 0; i < ARENA_SLOT_BYTES; i++)
                s->arena[e.arena_slot][i] = next_random() % 4 ? 0 : (uint8_t)next_random();
        }
        s->header.cq_tail++;
    }
    return any;
}

static bool peers_answer(void)
{
    bool any = false;

    for (enum server_id id = SERVER_PROC; id <= SERVER_TIME && !peers_hold; id++)
        if (id != world->self)
            any |= peer_answers(id);
    return any;
}

/* ---- turns ---- */

static void take_answers(uint32_t client)
{
    struct session *s = &((struct session *)SRV_SESSIONS)[client];

    for (; s->header.cq_head != s->header.cq_tail; s->header.cq_head++) {
        struct cq_entry *c = &s->cq[s->header.cq_head % CQ_ENTRIES];

        if (show)
            printf("    %u: token %u error %d %#lx %#lx\n", client, c->token, c->error, c->word[0], c->word[1]);
        if (client == call.client && c->token == call.token) {
            call.answer = *c;
            call.answered = true;
        }
        if (c->error == 0 && c->word[0] != 0)
            results[nr_results++ % NR_RESULTS] = c->word[0];
        if (c->error == 0 && c->word[1] != 0)
            results[nr_results++ % NR_RESULTS] = c->word[1];
    }
}

void world_settle(void)
{
    bool any = true;

    for (unsigned turn = 0; any; turn++) {
        if (turn == TURNS_MAX)
            world_fail("the server does not come to rest");
        rpc_server_doorbells(world->server, ~0ul);
        any = exec_turn();
        any |= peers_answer();
        for (uint32_t client = SERVER_PROC; client < LAST_SLOT; client++)
            take_answers(client);
    }
}

static void put_entry(uint32_t client, const struct sq_entry *entry)
{
    struct session *s = &((struct session *)SRV_SESSIONS)[client];

    if (s->header.sq_tail - s->header.sq_head >= SQ_ENTRIES)
        return;
    s->sq[s->header.sq_tail % SQ_ENTRIES] = *entry;
    s->header.sq_tail++;
}

void world_submit(uint32_t client, const struct sq_entry *entry)
{
    put_entry(client, entry);
    world_settle();
}

error_t world_call(uint32_t client, uint16_t method, const uint64_t word[6], uint64_t result[6])
{
    struct sq_entry e = { .method = method, .token = next_token[client]++ % CQ_ENTRIES, .arena_slot = ARENA_NONE };

    memcpy(e.word, word, sizeof e.word);
    call.client = client;
    call.token = e.token;
    call.answered = false;
    world_submit(client, &e);
    call.client = 0;
    if (!call.answered)
        return ERR_CANCELLED;
    memcpy(result, call.answer.word, sizeof e.word);
    return call.answer.error;
}

void world_event(uint32_t from, uint16_t method, uint64_t a, uint64_t b, uint64_t c)
{
    struct sq_entry e = { .method = method, .token = TOKEN_EVENT, .arena_slot = ARENA_NONE, .word = { a, b, c } };

    if (show)
        printf("event %u from %u (%#lx, %#lx, %#lx)\n", method, from, a, b, c);
    world_submit(from, &e);
}

struct proc_page *world_page(uint32_t slot)
{
    return (struct proc_page *)(SRV_PROC_PAGES + slot * PAGE_BYTES);
}

/* ---- requests ---- */

struct building {
    struct sq_entry *entry;
    uint8_t *arena;
    uint32_t used;      /* of the arena */
};

static void piece(struct building *b, const struct fuzz_param *p, const void *from, size_t bytes)
{
    memcpy((p->in_arena ? b->arena : (uint8_t *)b->entry->word) + p->offset, from, bytes);
}

static uint32_t put_variable(struct building *b, const void *from, uint32_t bytes)
{
    uint32_t at = (b->used + 7) & ~7u;

    if (at + bytes > ARENA_SLOT_BYTES)
        return ARENA_SLOT_BYTES;
    memcpy(b->arena + at, from, bytes);
    b->used = at + bytes;
    return at;
}

static void put_string(struct building *b, const struct fuzz_param *p, struct input *in)
{
    char text[5000];
    uint8_t which = (uint8_t)input_number(in, 1);
    unsigned nr = 0;
    struct rpc_ref ref;

    while (world->text[nr] != NULL)
        nr++;
    if (which < 0xe0) {
        snprintf(text, sizeof text, "%s", world->text[which % nr]);
    } else if (which < 0xf8) {              /* raw */
        unsigned n = (unsigned)input_number(in, 1) % 40;

        for (unsigned i = 0; i < n; i++)
            text[i] = (char)input_number(in, 1);
        text[n] = 0;
    } else {                                /* long: one part again and again */
        unsigned n = (unsigned)input_number(in, 2) % 4200, m = (unsigned)strlen(world->text[which % nr]);

        for (unsigned i = 0; i < n; i++)
            text[i] = m != 0 ? world->text[which % nr][i % m] : 'x';
        text[n] = 0;
    }
    ref.bytes = (uint32_t)strlen(text);
    ref.place = RPC_PLACE_ARENA;
    ref.at = put_variable(b, text, ref.bytes + 1);
    if (ref.at == ARENA_SLOT_BYTES) {       /* in client memory then */
        ref.place = RPC_PLACE_CLIENT;
        ref.at = WORLD_MEMORY + 0x18000;
        memcpy((void *)ref.at, text, ref.bytes + 1);
    }
    piece(b, p, &ref, sizeof ref);
}

static void put_lent(struct building *b, const struct fuzz_param *p, struct input *in, uint32_t answer_max)
{
    struct rpc_ref ref = { 0 };
    uint64_t bytes = world_value(in, 4);
    uint8_t where = (uint8_t)input_number(in, 1);

    ref.bytes = (uint32_t)(where < 0xf0 && bytes > p->limit ? p->limit : bytes);
    ref.place = where & 1 ? RPC_PLACE_CLIENT : RPC_PLACE_ARENA;
    if (ref.place == RPC_PLACE_CLIENT) {
        ref.at = WORLD_MEMORY + where / 2 * 64ul;
    } else {
        uint32_t from = b->used > answer_max ? b->used : answer_max;

        ref.at = (from + 7) & ~7u;
        if (where < 0xf0 && ref.at + ref.bytes > ARENA_SLOT_BYTES)
            ref.bytes = ref.at < ARENA_SLOT_BYTES ? ARENA_SLOT_BYTES - (uint32_t)ref.at : 0;
        for (uint32_t i = 0; i < ref.bytes && p->kind == FUZZ_LEND_IN && ref.at + i < ARENA_SLOT_BYTES; i++)
            b->arena[ref.at + i] = (uint8_t)(i < 16 ? input_number(in, 1) : i);
        b->used = (uint32_t)ref.at + ref.bytes;
    }
    piece(b, p, &ref, sizeof ref);
}

static void put_array(struct building *b, const struct fuzz_param *p, struct input *in)
{
    uint8_t data[ARENA_SLOT_BYTES];
    uint32_t count = (uint32_t)(world_value(in, 2) % (p->limit + 1)), bytes = count * p->bytes;
    struct rpc_pair pair;

    for (uint32_t i = 0; i < bytes && i < sizeof data; i++)
        data[i] = (uint8_t)(i < 32 ? input_number(in, 1) : i);
    pair.at = bytes <= sizeof data ? put_variable(b, data, bytes) : ARENA_SLOT_BYTES;
    pair.count = pair.at == ARENA_SLOT_BYTES ? 0 : count;
    pair.at %= ARENA_SLOT_BYTES;
    piece(b, p, &pair, sizeof pair);
}

static void put_param(struct building *b, const struct fuzz_param *p, struct input *in, uint32_t answer_max)
{
    uint8_t raw[ARENA_SLOT_BYTES];
    uint64_t value;

    switch (p->kind) {
    case FUZZ_SCALAR:
        value = world_value(in, p->bytes);
        piece(b, p, &value, p->bytes);
        break;
    case FUZZ_STRUCT:
        for (unsigned i = 0; i < p->bytes; i += 4) {
            value = world_value(in, 4);
            memcpy(raw + i, &value, p->bytes - i < 4 ? p->bytes - i : 4);
        }
        piece(b, p, raw, p->bytes);
        break;
    case FUZZ_STRING:
        put_string(b, p, in);
        break;
    case FUZZ_ARRAY:
        put_array(b, p, in);
        break;
    case FUZZ_LEND_IN:
    case FUZZ_LEND_OUT:
        put_lent(b, p, in, answer_max);
        break;
    }
}

/* how: bits 0, 1 the client; bit 4: a few bytes of the entry are changed then; bit 5: the server does not run yet. */
static void request(struct input *in, uint8_t how)
{
    static const enum fuzz_kind order[] = { FUZZ_SCALAR, FUZZ_STRUCT, FUZZ_ARRAY, FUZZ_STRING, FUZZ_LEND_IN, FUZZ_LEND_OUT };
    uint32_t client = world_client[how % WORLD_CLIENTS];
    const struct fuzz_method *m = &world->method[input_number(in, 1) % world->nr_methods];
    uint32_t token = next_token[client]++;
    struct sq_entry entry = { .method = m->ordinal, .token = m->is_event ? TOKEN_EVENT : token % CQ_ENTRIES };
    struct session *s = &((struct session *)SRV_SESSIONS)[client];

    entry.arena_slot = (uint16_t)(token % ARENA_SLOTS);
    struct building b = { &entry, s->arena[entry.arena_slot], m->arena_fixed };
    for (unsigned k = 0; k < sizeof order / sizeof order[0]; k++)
        for (unsigned i = 0; i < m->nr_params; i++)
            if (m->param[i].kind == order[k])
                put_param(&b, &m->param[i], in, m->answer_max);
    entry.arena_bytes = (uint16_t)(b.used < ARENA_SLOT_BYTES ? b.used : ARENA_SLOT_BYTES);
    if (show)
        printf("%u: %s token %u (%#lx %#lx %#lx %#lx %#lx %#lx)\n", client, m->name, entry.token, entry.word[0], entry.word[1],
               entry.word[2], entry.word[3], entry.word[4], entry.word[5]);
    for (unsigned i = 0; how & 0x10 && i < 2; i++) {
        unsigned at = (unsigned)input_number(in, 1) % sizeof entry;

        ((uint8_t *)&entry)[at] ^= (uint8_t)input_number(in, 1);
    }
    put_entry(client, &entry);
    if (!(how & 0x20))
        world_settle();
}

static void cancel(struct input *in)
{
    uint8_t b = (uint8_t)input_number(in, 1);
    uint32_t client = world_client[b % WORLD_CLIENTS];
    struct sq_entry e = { .flags = SQ_CANCEL, .token = TOKEN_EVENT, .arena_slot = ARENA_NONE };

    e.word[0] = (next_token[client] - 1 - b / WORLD_CLIENTS % 8) % CQ_ENTRIES;
    world_submit(client, &e);
}

static void pass_time(struct input *in)
{
    static const ticks_t step[] = { 1, 1000, TIMEBASE / 1000, TIMEBASE, 60ul * TIMEBASE, 86400ul * TIMEBASE };

    clock_now += step[input_number(in, 1) % (sizeof step / sizeof step[0])];
    world_settle();
}

static void write_memory(struct input *in)
{
    uint64_t at = input_number(in, 1) * 64, bytes = input_number(in, 1) % 65;

    for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t value = world_value(in, 8);

        memcpy((uint8_t *)WORLD_MEMORY + at + i, &value, 8);
    }
}

static void action(struct input *in)
{
    uint8_t kind = (uint8_t)input_number(in, 1);

    if (kind < 0xc0) {
        request(in, kind);
        return;
    }
    switch (kind % 16) {
    case 0: case 1: world_settle(); break;
    case 2: case 3: pass_time(in); break;
    case 4: case 5: cancel(in); break;
    case 6: fail_after = (int)(input_number(in, 1) % 32); break;
    case 7: peers_hold = !peers_hold; break;
    case 8: case 9: write_memory(in); break;
    default: world->event(in, kind % 16 - 10u); break;
    }
}

/* ---- start ---- */

static void map(uint64_t at, uint64_t bytes)
{
    void *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

    if (p != (void *)at)
        world_fail("an address is taken");
}

static void undeclared(const struct rpc_call *request, error_t error)
{
    const char *name = "?";

    for (unsigned i = 0; i < world->nr_methods; i++)
        if (world->method[i].ordinal == request->method)
            name = world->method[i].name;
    printf("FUZZ: %s answers %d, which its interface does not declare\n", name, error);
    world_fail("an undeclared error");
}

static void start(void)
{
    struct exec_config config = { .notification = SRV_CAP_NOTIFICATION, .doorbell_mask = DOORBELL_MASK,
                                  .hart_page = (const volatile struct hart_page *)SRV_HART_PAGE, .hart = &world_info.hart,
                                  .nr_coroutines = NR_COROUTINES, .coroutine_stack_bytes = COROUTINE_BYTES };

    show = getenv("FUZZ_TRACE") != NULL;
    if (show)
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
    map(SRV_INFO, PAGE_BYTES);
    map(SRV_SESSIONS, NR_SLOTS * (uint64_t)SESSION_BYTES);
    map(SRV_PROC_PAGES, NR_SLOTS * PAGE_BYTES);
    map(SRV_SIG_PAGES, NR_SLOTS * PAGE_BYTES);
    map(SRV_FD_PAGES, NR_SLOTS * (FD_PAGES * PAGE_BYTES));
    map(SRV_TIME_PAGE, 2 * PAGE_BYTES);
    map(SRV_THREAD_FRAMES, NR_THREAD_SLOTS * PAGE_BYTES);
    map(SRV_CLIENT_SESSIONS, NR_SERVERS * SESSION_BYTES);
    map(SRV_CORO_STACKS, NR_COROUTINES * (COROUTINE_BYTES + PAGE_BYTES));
    map(WORLD_MEMORY, WORLD_MEMORY_BYTES);
    memcpy((void *)SRV_INFO, &world_info, sizeof world_info);
    ((struct hart_page *)SRV_HART_PAGE)->timebase_hz = TIMEBASE;
    fail_after = -1;
    random_state = 1;
    if (exec_init(&config) != 0
        || rpc_server_init(world->server, world->interface, (struct session *)SRV_SESSIONS, NR_SLOTS, SRV_CAP_CLIENT_VSPACES,
                           SRV_CAP_CLIENT_DOORBELLS) != 0)
        world_fail("cannot start");
    world->server->undeclared = undeclared;
    exec_add_server(world->server);
    for (enum server_id id = SERVER_PROC; id <= SERVER_TIME; id++)
        if (id != world->self)
            rpc_session_open(world->server, id);
    world->start();
    world_settle();
}

int world_run(const struct world_server *server, const uint8_t *data, size_t size)
{
    struct input in = { data, data + size };

    if (world == NULL) {
        world = server;
        start();
    }
    random_state = 0x9e3779b97f4a7c15ul ^ size;
    memset(results, 0, sizeof results);
    memset((void *)WORLD_MEMORY, 0, WORLD_MEMORY_BYTES);
    nr_results = 0;
    world->begin();
    while (in.at < in.end)
        action(&in);
    peers_hold = false;
    fail_after = -1;
    world_settle();
    world->finish();
    world_settle();
    struct coro_stats coroutines;
    coro_get_stats(&coroutines);
    if (coroutines.used != 0)
        world_fail("a coroutine is left when all clients are gone");
    return 0;
}
