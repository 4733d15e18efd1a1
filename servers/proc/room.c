/* SPDX-License-Identifier: MIT */
/* Memory when it gets scarce; see room.h. */
#include "room.h"

#include <libipc/executor.h>

#include "exit.h"
#include "reaper.h"

#define MARGIN_PAGES 64         /* above the reserve: what a process needs at once */
#define MAX_BACKLOG  32         /* dead address spaces before new ones wait        */
#define PATIENCE_S   2

static uint64_t pages_of(const struct vm *vm)
{
    struct pool_info pool = { 0 };
    uint64_t result;

    return sys_invoke(SRV_CAP_POOL, POOL_INFO, vm->index, (uint64_t)(uintptr_t)&pool, 0, 0, 0, &result) ? 0 : pool.used_pages;
}

bool room_is_low(void)
{
    struct pool_info pool = { 0 };
    uint64_t result;

    if (sys_invoke(SRV_CAP_POOL, POOL_INFO, ~0ul, (uint64_t)(uintptr_t)&pool, 0, 0, 0, &result))
        return false;
    return pool.free_pages < pool.reserve_pages + MARGIN_PAGES;
}

static void wait_for_reaper(void)
{
    ticks_t deadline = now() + PATIENCE_S * info->timebase_hz;

    while ((room_is_low() || reaper_backlog() > MAX_BACKLOG) && reaper_busy() && now() < deadline)
        if (reaper_wait(deadline))
            break;
}

/* Is it low although what free slots keep has been given back? */
static bool is_low_after_trim(void)
{
    while (room_is_low())
        if (!slots_trim())
            return true;
    return false;
}

error_t room_for_process(void)
{
    bool low = is_low_after_trim();

    if (!low && reaper_backlog() <= MAX_BACKLOG) {
        if (coro_self() && reaper_busy())       /* started again for want of objects */
            reaper_wait(now() + info->timebase_hz / 5);
        return 0;
    }
    if (reaper_busy()) {
        if (!coro_self())
            return RPC_BLOCKS;
        wait_for_reaper();
        low = room_is_low();
    }
    return low ? ERR_NO_MEMORY : 0;
}

/* Init is spared: the system ends with it. */
static struct process *largest_process(void)
{
    struct process *found = NULL;
    uint64_t most = 0;

    for (struct process *p = all_processes; p; p = p->all_next) {
        uint64_t pages = is_live(p) && p != init_process ? pages_of(p->image->vm) : 0;

        if (pages > most) {
            most = pages;
            found = p;
        }
    }
    return found;
}

/* A page of the caller could not be had. 0: try again. */
error_t proc_serve_memory_wait(struct rpc_call *call, const struct proc_memory_wait_in *in,
                               struct proc_memory_wait_out *out)
{
    struct process *victim;

    (void)in, (void)out;
    if (!is_low_after_trim())
        return 0;
    if (!coro_self())
        return RPC_BLOCKS;
    wait_for_reaper();
    if (!room_is_low())
        return 0;
    victim = largest_process();
    if (!victim || victim == caller(call))
        return ERR_NO_MEMORY;
    proc_say("out of memory: killed process %u (%s)", victim->pid, victim->image->page->comm);
    process_exit(victim, SIGKILL);
    wait_for_reaper();
    return room_is_low() ? ERR_NO_MEMORY : 0;
}
