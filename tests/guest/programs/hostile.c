/* SPDX-License-Identifier: MIT */
/*
 * A guest that attacks what it can reach of the system. The parent starts an attacker, gives it a moment,
 * kills it, starts the next one with another seed, until the time is over. Nobody else may notice.
 *
 *   hostile scribble SECONDS [SEED]   random words over its rings, signal page, thread blocks, and the
 *                                     personality's data and state, between ordinary system calls
 *   hostile ring SECONDS [SEED]       the same, but only the rings and their arenas, so that it lives longer:
 *                                     well-formed and half-formed requests with random words, doorbells rung
 *   hostile kcall SECONDS [SEED]      raw kernel calls with random arguments on all its capabilities
 *
 * The addresses are those of libipc/system.h. A raw kernel call is an ecall at a pc inside the personality,
 * so an `ecall; ret` is looked for in its text.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "robust.h"

#include <atoll/syscall.h>
#include <libipc/system.h>

typedef long kcall_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
static kcall_fn *kcall;

/* `ecall; ret` in the personality's text, whose end its header's first map tells. */
static void find_kcall(void)
{
    const uint16_t *p = (const uint16_t *)PERS_BASE;
    uint64_t bytes = ((const struct pers_header *)PERS_BASE)->map[0].bytes;
    MUST(bytes > 4096 && bytes < 0x1000000);
    for (uint64_t i = 0; i + 4 < bytes / 2; i++)
        if (p[i] == 0x0073 && p[i + 1] == 0 && (p[i + 2] == 0x8082 || (p[i + 2] == 0x8067 && p[i + 3] == 0))) {
            kcall = (kcall_fn *)(p + i);
            return;
        }
    MUST(!"an ecall and a ret in the personality");
}

static uint64_t session_of(uint64_t server)
{
    return PERS_AREAS + server * SESSION_BYTES;     /* area 0: AREA_SESSION(SERVER_PROC + server) */
}

static const struct pers_header *header(void)
{
    return (const struct pers_header *)PERS_BASE;
}

static uint64_t rnd_word(void)
{
    switch (rnd() % 12) {
    case 0: return 0;
    case 1: return ~0ul;
    case 2: return rnd() % 64;
    case 3: return rnd() % 4096;
    case 4: return 1ul << rnd() % 64;
    case 5: return (1ul << rnd() % 64) - 1;
    case 6: return PERS_AREAS + rnd() % 0x70000;
    case 7: return PERS_THREADS + rnd() % PERS_THREAD_BYTES;
    case 8: return PERS_BASE + rnd() % 0x40000;
    case 9: return (rnd() % 0x40000) << 12;
    case 10: return (uint64_t)-(int64_t)(rnd() % 5000);
    default: return rnd();
    }
}

/* Half of what it does is what everybody does, so that servers have something of it in hand. */
static void ordinary(void)
{
    static char buffer[9000];
    int fd[2], status;
    struct stat st;
    switch (rnd() % 10) {
    case 0:
        if (pipe(fd) == 0) {
            (void)!write(fd[1], buffer, rnd() % sizeof buffer);
            (void)!read(fd[0], buffer, 100);
            close(fd[0]);
            close(fd[1]);
        }
        break;
    case 1: stat("/etc/passwd", &st); break;
    case 2: {
        int f = open("/tmp/hostile", O_RDWR | O_CREAT, 0600);
        (void)!write(f, buffer, rnd() % sizeof buffer);
        close(f);
        break;
    }
    case 3: {
        void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p != MAP_FAILED) {
            memset(p, 1, 8192);
            munmap(p, 65536);
        }
        break;
    }
    case 4:
        if (rnd() % 8 == 0) {
            pid_t pid = fork();
            if (pid == 0)
                _exit(0);
            if (pid > 0)
                waitpid(pid, &status, 0);
        }
        break;
    case 5: kill(getpid(), 0); break;
    case 6: sched_yield(); break;
    case 7:
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0) {
            close(fd[0]);
            close(fd[1]);
        }
        break;
    case 8: getppid(); break;
    default: fstat(1, &st); break;
    }
}

static void scribble_word(uint64_t address)
{
    switch (rnd() % 4) {
    case 0: *(volatile uint8_t *)address = (uint8_t)rnd_word(); break;
    case 1: *(volatile uint32_t *)(address & ~3ul) = (uint32_t)rnd_word(); break;
    default: *(volatile uint64_t *)(address & ~7ul) = rnd_word(); break;
    }
}

static uint64_t session_address(void)
{
    uint64_t base = session_of(rnd() % 3);
    switch (rnd() % 4) {
    case 0: return base + rnd() % 512;
    case 1: return base + 2048 + rnd() % 2048;
    case 2: return base + 4096 + rnd() % 8192;
    default: return base + 16384 + rnd() % 16384;
    }
}

static void attack_scribble(void)
{
    uint64_t data = 0, data_bytes = 0;
    for (unsigned i = 0; i < header()->nr_maps; i++)
        if (header()->map[i].prot & VM_WRITE) {
            data = header()->map[i].address;
            data_bytes = header()->map[i].bytes;
        }
    MUST(data != 0);
    unsigned calm = 1 + rnd() % 60;
    for (;;) {
        switch (rnd() % 8) {
        case 0: scribble_word(PERS_AREAS + AREA_SIG_PAGE + rnd() % 4096); break;
        case 1: scribble_word(PERS_THREADS + rnd() % 4096); break;
        case 2: scribble_word(PERS_THREADS + PERS_STACK_OFFSET + rnd() % (PERS_THREAD_BYTES - PERS_STACK_OFFSET)); break;
        case 3: scribble_word(data + rnd() % data_bytes); break;
        case 4: scribble_word(PERS_AREAS + AREA_STATE + rnd() % AREA_STATE_BYTES); break;
        default: scribble_word(session_address()); break;
        }
        for (unsigned i = rnd() % calm; i > 0; i--)
            ordinary();
    }
}

/* A request made by hand: published in the ring, the doorbell rung. */
static void forge(unsigned server)
{
    struct session *session = (struct session *)session_of(server);
    volatile uint32_t *sq_tail = &session->header.sq_tail;
    uint32_t nr = rnd() % 6 == 0 ? rnd() % 40 : 1;
    for (uint32_t i = 0; i < nr; i++) {
        struct sq_entry e = { .method = rnd() % 160, .token = rnd() % 130, .arena_slot = rnd() % 3 ? rnd() % 33 : 0xffff };
        if (rnd() % 16 == 0)
            e.method = (uint16_t)rnd();
        if (rnd() % 12 == 0)
            e.token = rnd() % 2 ? ~0u : (uint32_t)rnd();
        if (rnd() % 12 == 0)
            e.flags = (uint16_t)rnd_word();
        if (rnd() % 16 == 0)
            e.arena_slot = (uint16_t)rnd();
        e.arena_bytes = (uint16_t)(rnd() % 4 ? rnd() % 513 : rnd());
        for (unsigned w = 0; w < 6; w++)
            e.word[w] = rnd() % 3 ? rnd() % 40 | (rnd() % 40) << 32 : rnd_word();
        uint64_t *arena = (uint64_t *)session->arena[e.arena_slot % ARENA_SLOTS];
        for (unsigned w = rnd() % 64; w > 0; w--)
            arena[rnd() % 64] = rnd() % 4 ? 0x6d742f2e2e2f632ful >> rnd() % 64 : rnd_word();
        memcpy(&session->sq[(*sq_tail + i) % SQ_ENTRIES], &e, sizeof e);
    }
    __sync_synchronize();
    *sq_tail += rnd() % 64 ? nr : (uint32_t)rnd();
    __sync_synchronize();
    kcall(GUEST_CAP_DOORBELL(0, SERVER_PROC + server), 0, 0, 0, 0, 0, 0, SYS_SIGNAL);
    if (rnd() % 3)      /* take the answers, or not */
        session->header.cq_head = session->header.cq_tail;
}

static void attack_ring(void)
{
    for (;;) {
        forge(rnd() % 3);
        if (rnd() % 50 == 0)
            scribble_word(session_address());
        if (rnd() % 20 == 0)
            sched_yield();
    }
}

static const uint16_t operation[] = {
    0x100, 0x101, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305,
    0x306, 0x307, 0x308, 0x309, 0x30a, 0x30b, 0x30c, 0x30d, 0x30e, 0x30f, 0x400, 0x401, 0x500, 0x501, 0x502, 0x503,
    0x504, 0x505, 0x506, 0x507, 0x508, 0x509, 0x50a, 0x600, 0x601, 0x700, 0x701, 0x702, 0x703, 0x704, 0x705, 0x800,
    0x801, 0x900, 0x901, 0x902, 0x903,
};

static uint64_t rnd_cap(void)
{
    static const uint8_t likely[] = { 1, 1, 1, 1, 2, 3, 16, 17, 18, 19, 128 };
    return rnd() % 3 ? likely[rnd() % sizeof likely] : rnd() % 10 ? rnd() % 256 : rnd_word();
}

static uint64_t rnd_operation(void)
{
    if (rnd() % 2)
        return 0x500 + rnd() % 12;
    return rnd() % 8 ? operation[rnd() % (sizeof operation / sizeof operation[0])] : rnd_word();
}

static uint64_t rnd_argument(uint64_t memory)
{
    switch (rnd() % 8) {
    case 0: return memory + (rnd() % 64 << 12);
    case 1: return (rnd() % 16 + 1) << 12;
    case 2: return rnd() % 256;
    case 3: return rnd_cap();
    case 4: return 0x100000000ul + (rnd() % 0x1000 << rnd() % 30);
    case 5: return (rnd() % 0x100) << 30;
    default: return rnd_word();
    }
}

static void attack_kcall(void)
{
    uint64_t memory = (uint64_t)mmap(NULL, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct invocation batch[8];
    for (;;) {
        uint64_t number = rnd() % 2 ? SYS_INVOKE : rnd() % 16 ? rnd() % (SYS_COUNT + 4) : rnd_word();
        if (number == SYS_BATCH) {
            for (unsigned i = 0; i < 8; i++) {
                batch[i] = (struct invocation){ .cap = (uint32_t)rnd_cap(), .op = (uint32_t)rnd_operation() };
                for (unsigned w = 0; w < 5; w++)
                    batch[i].arg[w] = rnd_argument(memory);
            }
            kcall(rnd() % 8 ? (uint64_t)batch : rnd_word(), rnd() % 8 ? rnd() % 9 : rnd_word(), 0, 0, 0, 0, 0, number);
        } else if (number == SYS_WAIT || number == SYS_WAIT + 1) {
            kcall(rnd_cap(), rnd() % 2 ? 0 : rnd_cap(), 0, rnd_argument(memory), 0, 0, 0, number);
        } else if (number == SYS_VSPACE_COPY) {
            kcall(rnd_cap(), rnd_argument(memory), rnd_argument(memory), rnd_argument(memory) & 0xffffff,
                  rnd() % 3, 0, 0, number);
        } else {
            kcall(rnd_cap(), rnd_operation(), rnd_argument(memory), rnd_argument(memory), rnd_argument(memory),
                  rnd_argument(memory), rnd_argument(memory), number);
        }
        if (rnd() % 64 == 0)
            ordinary();
    }
}

static void *second(void *attack)
{
    ((void (*)(void))attack)();
    return NULL;
}

int main(int argc, char **argv)
{
    MUST(argc >= 3);
    void (*attack)(void) = !strcmp(argv[1], "scribble") ? attack_scribble
                         : !strcmp(argv[1], "ring") ? attack_ring : attack_kcall;
    double end = now() + atof(argv[2]);
    uint64_t seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
    unsigned nr = 0, ends[128] = { 0 };
    find_kcall();
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (now() < end) {
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0) {
            setpgid(0, 0);
            rng_seed(seed);
            struct rlimit few = { 24, 24 }, small = { 64 << 20, 64 << 20 };
            setrlimit(RLIMIT_NPROC, &few);
            setrlimit(RLIMIT_AS, &small);
            MUST(setgid(1000) == 0 && setuid(1000) == 0);   /* as root it may send others signals */
            pthread_t thread;
            if (seed % 3 == 0)
                pthread_create(&thread, NULL, second, (void *)attack);
            attack();
        }
        int status = reap_within(pid, 50 + (int)(seed % 7) * 60);
        ends[WIFSIGNALED(status) ? WTERMSIG(status) & 127 : 0]++;
        kill(-pid, SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        nr++;
        seed++;
    }
    printf("hostile %s: %u attackers;", argv[1], nr);
    for (int i = 0; i < 128; i++)
        if (ends[i])
            printf(" %u by %d", ends[i], i);
    printf("\n");
    return 0;
}
