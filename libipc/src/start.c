/* SPDX-License-Identifier: MIT */
/*
 * What runs before a server's server_main: console output and heap.
 * server_main is weak because programs that are no servers link libipc too.
 */
#include <libipc/journal.h>
#include <libipc/syscall.h>
#include <libipc/system.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__riscv)
_Static_assert(SRV_STACK_TOP == 0x30000000, "crt0.S");

void server_main(const struct server_info *) __attribute__((weak));
void server_start(const struct server_info *) __attribute__((noreturn));

static void write_console(const char *text, size_t bytes)
{
    sys_debug_write(SRV_CAP_PLATFORM, text, bytes);
}

/*
 * A server that meets an empty pool in a page fault cannot go on, and with it
 * the system. So its heap grows only over memory that is there already, and
 * leaves what the pool keeps for the system (half of it) to stacks and shared
 * pages: malloc fails instead, and the client hears of it. Since a heap does not
 * shrink, what clients make a server hold is also limited to a quarter of all.
 */
static bool commit(const struct pool_info *pool, uint64_t start, uint64_t end)
{
    uint64_t result;

    return pool->free_pages >= pool->reserve_pages / 2 + (end - start) / PAGE_BYTES &&
           sys_invoke(SRV_CAP_VSPACE, VSPACE_POPULATE, start, end - start, 1, 0, 0, &result) == 0;
}

bool heap_commit(void *from, size_t bytes)
{
    struct pool_info pool = { 0 };
    uint64_t result, start = (uint64_t)from & ~(PAGE_BYTES - 1);
    uint64_t end = ((uint64_t)from + bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

    if (sys_invoke(SRV_CAP_POOL, POOL_INFO, ~0ul, (uint64_t)&pool, 0, 0, 0, &result) != 0)
        return false;
    return (end - SRV_HEAP) / PAGE_BYTES <= pool.total_pages / 4 && commit(&pool, start, end);
}

/* journal.h: the same, for memory whose size the server bounds itself. */
bool durable_commit(void *pages, size_t bytes)
{
    struct pool_info pool = { 0 };
    uint64_t result;

    return sys_invoke(SRV_CAP_POOL, POOL_INFO, ~0ul, (uint64_t)&pool, 0, 0, 0, &result) == 0 &&
           commit(&pool, (uint64_t)pages, (uint64_t)pages + bytes);
}

void server_start(const struct server_info *info)
{
    stdio_set_writer(write_console);
    stdio_set_name(info->name);
    heap_init((void *)SRV_HEAP, SRV_HEAP_BYTES);
    if (server_main != NULL)
        server_main(info);
    panic("server_main returned");
}
#endif
