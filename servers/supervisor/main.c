/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: the first user task. It takes the machine from the kernel,
 * builds the system that the assembly describes, and then waits on its endpoint
 * for requests of the servers (SUPERVISOR_*, libipc/system.h), and for the fault of
 * one, which it reports. A server whose policy allows it is started again
 * (restart.c), otherwise the system ends with a failing status.
 *
 * It runs at the root task's priority, maps the boot archive read-only and
 * holds every capability; nothing that a guest does reaches it.
 *
 * Messages on the endpoint: badge server_id: a request; who may make it stands in
 * the assembly. Badge FAULT_BADGE + server_id: a fault message of the kernel
 * (word 0 cause, word 1 value, word 2 pc).
 */
#include "main.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "memory.h"
#include "restart.h"
#include "server.h"
#include "sys.h"
#include "walk.h"

#define ARCHIVE_ADDRESS 0x800000000ul
#define FDT_ADDRESS     0x21000000ul

static struct system the_system;
static struct server servers[NR_COMPONENTS];

static void vsay(const char *format, va_list args)
{
    char line[200];
    int n = snprintf(line, sizeof line, "supervisor: ");
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);

    n += m < 0 ? 0 : m;
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    sys_debug_write(CAP_INIT_PLATFORM, line, (size_t)n);
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsay(format, args);
    va_end(args);
}

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsay(format, args);
    va_end(args);
    power_off(125, 0);
}

void must(error_t error, const char *what)
{
    if (error)
        fail("cannot %s: error %d", what, error);
}

void power_off(uint64_t status, uint64_t reboot)
{
    for (;;)
        sys_invoke(CAP_INIT_PLATFORM, PLATFORM_SHUTDOWN, status, reboot, 0, 0, 0, NULL);
}

/* Is `word` one of the command line's? */
static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = line; (at = strstr(at, word)); at += length)
        if ((at == line || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return false;
}

/* faulty=NAME or faulty=NAME:N: the component faults as soon as it was started again; N (a digit): the first N times. */
static void read_faulty(struct system *s)
{
    for (const char *at = s->boot->command_line; (at = strstr(at, "faulty=")); at++) {
        const char *name = at + strlen("faulty=");
        size_t length = strcspn(name, " :");

        for (unsigned i = 0; i < NR_COMPONENTS; i++)
            if (strlen(assembly[i].name) == length && memcmp(assembly[i].name, name, length) == 0)
                servers[i].faults_to_come = name[length] == ':' ? (uint32_t)(name[length + 1] - '0') : UINT32_MAX;
    }
}

static uint64_t map_boot_segment(cptr_t cap, uint64_t address, uint64_t offset, uint64_t bytes)
{
    uint64_t length = (offset + bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

    must(sys_invoke(CAP_INIT_VSPACE, VSPACE_MAP, address, length, VM_READ | VM_SHARED, cap, 0, NULL),
         "map what the boot loader left");
    return address + offset;
}

static void read_placement(struct system *s)
{
    unsigned harts = (unsigned)s->boot->nr_harts, bad = 0;
    struct archive_member text = archive_find(s->archive, s->boot->archive_bytes, "placement");

    placement_default(&s->placement, harts);
    if (text.data)
        bad += placement_parse(&s->placement, (const char *)text.data, text.bytes, harts);
    bad += placement_command_line(&s->placement, s->boot->command_line, harts);
    if (bad)
        say("%u placement items make no sense on %u harts and were left out", bad, harts);
}

/* Everything that is cut from untypeds comes before the Pool, which takes the
 * largest rest; what is made of the Pool comes after. */
static void make_shared(struct system *s)
{
    struct archive_member personality = archive_find(s->archive, s->boot->archive_bytes, "linux_compat.elf");

    s->pool_pages = mem_make_pool(&s->pool);
    if (!personality.data)
        fail("the archive has no linux_compat.elf");
    for (unsigned i = 0; i < NR_SHARED; i++) {
        if (shared_segments[i].owner && !servers[shared_segments[i].owner - 1].component)
            continue;
        switch (shared_segments[i].origin) {
        case FROM_POOL:
            s->shared[i] = mem_segment(s->pool, shared_segments[i].pages);
            break;
        case FROM_KERNEL:
            s->shared[i] = CAP_INIT_HART_PAGE;
            break;
        case FROM_BOOT:
            s->shared[i] = CAP_INIT_ARCHIVE;
            break;
        case FROM_TRACE:
            s->shared[i] = s->boot_flags & BOOT_TRACE ? CAP_INIT_TRACE : CAP_NULL;
            break;
        case FROM_LINUX_COMPAT:
            s->shared[i] = load_personality(s->pool, personality.data, personality.bytes, &s->personality_bytes);
            break;
        }
    }
}

/* Let fs copy what the rings still hold. */
static void end_of_trace(const struct system *s)
{
    cptr_t never;
    ticks_t now;
    uint64_t bits;

    if (!(s->boot_flags & BOOT_TRACE))
        return;
    never = mem_object(CAP_TYPE_NOTIFICATION, 0);
    __asm__ volatile("rdtime %0" : "=r"(now));
    sys_wait(never, now + s->boot->timebase_hz / 20, &bits);
}

/* Does the assembly let the component with this badge ask this? */
static bool may_ask(const struct sys_message *m)
{
    uint64_t what = MSG_LABEL(m->info);

    for (unsigned i = 0; i < NR_COMPONENTS && what < 32; i++)
        if (assembly[i].id == m->badge)
            return assembly[i].asks >> what & 1;
    return false;
}

/* Whose name is in the first two words; NULL: nobody's. */
static struct server *named(const struct sys_message *m)
{
    char name[2 * sizeof m->word[0] + 1] = { 0 };

    memcpy(name, m->word, sizeof name - 1);
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (servers[i].component && strcmp(assembly[i].name, name) == 0)
            return &servers[i];
    return NULL;
}

static error_t move(struct system *s, const struct sys_message *m)
{
    struct server *server = named(m);

    return server ? server_move(server, s, m->word[2]) : ERR_NOT_FOUND;
}

static void answer(const struct system *s, error_t error)
{
    struct sys_message m = { .info = MSG_INFO(0, 1, 0), .word = { error } };

    (void)sys_reply(s->reply, &m);      /* nobody waits for it when the message was only sent */
}

/* Answered when the old one is stopped: who asked does not wait for the new one, unless it asks that one. */
static void restart(struct system *s, const struct sys_message *m)
{
    struct server *server = named(m);
    error_t error = server ? restart_stop(server) : ERR_NOT_FOUND;

    answer(s, error);
    if (!error)
        restart_stopped(s, servers, server);
}

static void serve(struct system *s)
{
    for (;;) {
        struct sys_message m = { 0 };
        error_t error = sys_recv(s->endpoint, &m, s->reply);

        if (error) {
            fail("receive on the own endpoint: error %d", error);
        } else if (m.badge >= FAULT_BADGE && m.badge < FAULT_BADGE + NR_SERVERS) {
            restart_after_fault(s, servers, (unsigned)(m.badge - FAULT_BADGE), &m);
        } else if (!may_ask(&m)) {
            say("message %#lx with badge %#lx is not understood", m.info, m.badge);
            answer(s, ERR_INVALID_CALL);
        } else if (MSG_LABEL(m.info) == SUPERVISOR_MOVE) {
            answer(s, move(s, &m));
        } else if (MSG_LABEL(m.info) == SUPERVISOR_RESTART) {
            restart(s, &m);
        } else {
            if (s->walks)
                walk("end", servers, s);
            end_of_trace(s);
            power_off(m.word[0] & 0xff, m.word[1]);
        }
    }
}

void supervisor_main(const struct bootinfo *boot);
void supervisor_main(const struct bootinfo *boot)
{
    struct system *s = &the_system;
    const void *fdt;

    s->boot = boot;
    mem_init(boot);
    s->archive = (const uint8_t *)map_boot_segment(CAP_INIT_ARCHIVE, ARCHIVE_ADDRESS, boot->archive_page_offset,
                                                   boot->archive_bytes);
    s->made_s = archive_newest(s->archive, boot->archive_bytes);
    fdt = (const void *)map_boot_segment(CAP_INIT_FDT, FDT_ADDRESS, boot->fdt_page_offset, boot->fdt_bytes);
    if (archive_find(s->archive, boot->archive_bytes, "exec/command").data || has_word(boot->command_line, "exec"))
        s->boot_flags |= BOOT_EXEC;
    if (has_word(boot->command_line, "trace") && !platform_trace(CAP_INIT_PLATFORM, true))
        s->boot_flags |= BOOT_TRACE;
    read_placement(s);
    s->endpoint = mem_object(CAP_TYPE_ENDPOINT, 0);
    s->reply = mem_object(CAP_TYPE_REPLY, 0);
    s->nr_devices = devices_find(fdt, boot->fdt_bytes, s->device);
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (s->placement.server_hart[assembly[i].id] != NOWHERE)
            server_create(&servers[i], &assembly[i], s);
    mem_reserve(17);
    make_shared(s);
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (servers[i].component)
            server_build(&servers[i], servers, s);
    if (!(s->boot_flags & BOOT_EXEC))
        say("%lu harts, pool of %lu MiB, servers on harts %u %u %u, guests %#x", boot->nr_harts, s->pool_pages >> 8,
            s->placement.server_hart[SERVER_PROC], s->placement.server_hart[SERVER_FS],
            s->placement.server_hart[SERVER_TIME], s->placement.guest_mask);
    s->walks = has_word(boot->command_line, "caps");
    read_faulty(s);
    if (s->walks)
        walk("start", servers, s);
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (servers[i].component)
            server_start(&servers[i]);
    serve(s);
}
