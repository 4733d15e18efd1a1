/* SPDX-License-Identifier: MIT */
/* build: tests/fuzz/server/world.c libipc/src/client.c libipc/src/client_drain.c libipc/src/client_post.c
 *  libipc/src/client_args.c libipc/src/server.c libipc/src/call.c
 *  libipc/src/job.c libipc/src/coro.c libipc/src/coro_switch.S libipc/src/timer.c libipc/src/executor.c
 *  libipc/src/coro_env.c libipc/src/figures.c libipc/src/journal.c build/gen/time_server.c build/gen/fs_client.c build/gen/proc_client.c build/gen/time_client.c; tree: servers/time -main.c
 *  -rtc.c;
 *  include: tests/fuzz/server servers/time libipc/include microkernel/abi build/gen */
/* fuzz: runs=4000; max_len=600 */
/* The time server under any requests of four clients. */
#include <fs_client.h>
#include <proc_client.h>
#include <stdlib.h>
#include <time_fuzz.h>
#include <time_server.h>

#include "clock.h"
#include "state.h"
#include "world.h"

const struct server_info *const info = (const struct server_info *)SRV_INFO;
struct rpc_server server;
struct rpc_client proc_client, fs_client;

static void connect(struct rpc_client *client, unsigned id, uint64_t hash)
{
    if (rpc_client_init(client, (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES), &coro_rpc_env, SRV_CAP_DOORBELL + id,
                        SRV_CAP_NOTIFICATION, hash) != 0)
        world_fail("cannot connect");
    exec_add_client(client);
}

static void start(void)
{
    static struct time_state memory;

    state_open(&memory);
    clock_init((struct time_page *)SRV_TIME_PAGE, info->timebase_hz, 1700000000l * 1000000000);
    connect(&proc_client, SERVER_PROC, PROC_LAYOUT_HASH);
    connect(&fs_client, SERVER_FS, FS_LAYOUT_HASH);
}

static void open(uint32_t slot)
{
    world_page(slot)->in_use = 1;
    world_page(slot)->pid = slot;
    world_event(SERVER_PROC, TIME_METHOD_PROCESS_OPEN, slot, 0, 0);
}

static void close(uint32_t slot)
{
    world_event(SERVER_PROC, TIME_METHOD_PROCESS_CLOSE, slot, 0, 0);
    world_page(slot)->in_use = 0;
}

static void begin(void)
{
    for (uint32_t i = 0; i < WORLD_CLIENTS; i++)
        open(FIRST_PROCESS_SLOT + i);
}

static void event(struct input *in, unsigned kind)
{
    uint8_t b = (uint8_t)input_number(in, 1);
    uint32_t slot = FIRST_PROCESS_SLOT + b % WORLD_CLIENTS, other = FIRST_PROCESS_SLOT + b / 16u % WORLD_CLIENTS;

    if (kind == 0) {
        close(slot);
        open(slot);
    } else if (kind == 1 && slot != other) {
        /* exec: proc opens the new image's slot before, and closes the old one after */
        close(other);
        open(other);
        world_event(SERVER_PROC, TIME_METHOD_PROCESS_EXEC, slot | (uint64_t)other << 32, 0, 0);
        close(slot);
        open(slot);
    } else {
        uint64_t clock = world_value(in, 1) % 12 | (uint64_t)(b % 2) << 32;

        world_event(SERVER_FS, TIME_METHOD_FS_TIMER_SET, 1000u + b % 8, clock, world_value(in, 8));
    }
}

static void finish(void)
{
    for (uint32_t i = 0; i < WORLD_CLIENTS; i++)
        close(FIRST_PROCESS_SLOT + i);
    for (uint32_t i = 0; i < 8; i++)
        world_event(SERVER_FS, TIME_METHOD_FS_TIMER_SET, 1000u + i, 0, 0);
    for (uint32_t i = 0; i < WORLD_CLIENTS; i++)
        if (processes[FIRST_PROCESS_SLOT + i] != NULL)
            world_fail("a process is left");
}

static error_t invoke(uint64_t a[7])
{
    a[1] = 0;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const text[] = { "", NULL };
    static const struct world_server self = {
        .self = SERVER_TIME, .interface = &time_interface, .method = time_fuzz_methods,
        .nr_methods = sizeof time_fuzz_methods / sizeof time_fuzz_methods[0], .server = &server, .start = start, .event = event,
        .begin = begin, .finish = finish, .invoke = invoke, .text = text,
    };
    return world_run(&self, data, size);
}
