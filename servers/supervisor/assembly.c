/* SPDX-License-Identifier: MIT */
/*
 * The system as data: each component with everything that it may hold. Order is
 * the order of starting. docs/supervisor.md draws it.
 */
#include "assembly.h"

#define R   VM_READ
#define RW  (VM_READ | VM_WRITE)
#define MAP_RIGHTS_R  (RIGHT_READ)
#define MAP_RIGHTS_RW (RIGHT_READ | RIGHT_WRITE)
#define SESSION_OF(client, server) \
    { SHARED_SESSIONS(server), RW, SESSION_PAGES, (client) * SESSION_PAGES, \
      SRV_CLIENT_SESSIONS + (uint64_t)(server) * SESSION_BYTES }

const struct shared_size shared_sizes[NR_SHARED] = {
    [SHARED_SESSIONS_PROC] = { NR_SLOTS * SESSION_PAGES },
    [SHARED_SESSIONS_FS]   = { NR_SLOTS * SESSION_PAGES },
    [SHARED_SESSIONS_TIME] = { NR_SLOTS * SESSION_PAGES },
    [SHARED_PROC_PAGES]    = { NR_SLOTS },
    [SHARED_SIG_PAGES]     = { NR_SLOTS },
    [SHARED_FD_PAGES]      = { NR_SLOTS * FD_PAGES },
    [SHARED_TIME_PAGE]     = { 1 },
    [SHARED_THREAD_FRAMES] = { NR_THREAD_SLOTS },
};

const struct component assembly[NR_COMPONENTS] = {
    {
        .name = "time", .id = SERVER_TIME, .priority = 200,
        .untyped_share = 12, .untyped_min_bits = 16,
        .client_of = 1u << SERVER_PROC | 1u << SERVER_FS,
        .devices = 1u << DEVICE_RTC,
        .platform_rights = RIGHT_WRITE,
        .map = {
            { SHARED_SESSIONS_TIME, RW, 0, 0, SRV_SESSIONS },
            { SHARED_PROC_PAGES, R, 0, 0, SRV_PROC_PAGES },
            { SHARED_SIG_PAGES, R, 0, 0, SRV_SIG_PAGES },
            { SHARED_TIME_PAGE, RW, 0, 0, SRV_TIME_PAGE },
            { SHARED_HART_PAGE, R, 1, 0, SRV_HART_PAGE },
            SESSION_OF(SERVER_TIME, SERVER_PROC),
            SESSION_OF(SERVER_TIME, SERVER_FS),
        },
    },
    {
        .name = "proc", .id = SERVER_PROC, .priority = 200,
        .untyped_share = 4, .untyped_min_bits = 24,
        .client_of = 1u << SERVER_FS | 1u << SERVER_TIME,
        .platform_rights = RIGHTS_ALL,
        .builds_processes = true,
        .map = {
            { SHARED_SESSIONS_PROC, RW, 0, 0, SRV_SESSIONS },
            { SHARED_PROC_PAGES, RW, 0, 0, SRV_PROC_PAGES },
            { SHARED_SIG_PAGES, RW, 0, 0, SRV_SIG_PAGES },
            { SHARED_TIME_PAGE, R, 0, 0, SRV_TIME_PAGE },
            { SHARED_HART_PAGE, R, 1, 0, SRV_HART_PAGE },
            { SHARED_THREAD_FRAMES, RW, 0, 0, SRV_THREAD_FRAMES },
            SESSION_OF(SERVER_PROC, SERVER_FS),
            SESSION_OF(SERVER_PROC, SERVER_TIME),
        },
        .cap = {
            { SHARED_SESSIONS_PROC, MAP_RIGHTS_RW, SRV_CAP_SESSIONS + SERVER_PROC },
            { SHARED_SESSIONS_FS, MAP_RIGHTS_RW, SRV_CAP_SESSIONS + SERVER_FS },
            { SHARED_SESSIONS_TIME, MAP_RIGHTS_RW, SRV_CAP_SESSIONS + SERVER_TIME },
            { SHARED_PROC_PAGES, MAP_RIGHTS_R, SRV_CAP_PROC_PAGES },
            { SHARED_SIG_PAGES, MAP_RIGHTS_RW, SRV_CAP_SIG_PAGES },
            { SHARED_FD_PAGES, MAP_RIGHTS_R, SRV_CAP_FD_PAGES },
            { SHARED_TIME_PAGE, MAP_RIGHTS_R, SRV_CAP_TIME_PAGE },
            { SHARED_HART_PAGE, MAP_RIGHTS_R, SRV_CAP_HART_PAGE },
            { SHARED_THREAD_FRAMES, RIGHTS_ALL, SRV_CAP_THREAD_FRAMES },
            { SHARED_PERSONALITY, RIGHT_READ | RIGHT_EXEC | RIGHT_WRITE, SRV_CAP_PERSONALITY },
        },
    },
    {
        .name = "fs", .id = SERVER_FS, .priority = 200,
        .untyped_share = 12, .untyped_min_bits = 23,
        .client_of = 1u << SERVER_PROC | 1u << SERVER_TIME,
        .devices = 1u << DEVICE_UART | 1u << DEVICE_VIRTIO | 1u << DEVICE_DMA,
        .platform_rights = RIGHT_READ | RIGHT_WRITE,     /* counters, debug output */
        .map = {
            { SHARED_SESSIONS_FS, RW, 0, 0, SRV_SESSIONS },
            { SHARED_PROC_PAGES, R, 0, 0, SRV_PROC_PAGES },
            { SHARED_SIG_PAGES, R, 0, 0, SRV_SIG_PAGES },
            { SHARED_FD_PAGES, RW, 0, 0, SRV_FD_PAGES },
            { SHARED_TIME_PAGE, R, 0, 0, SRV_TIME_PAGE },
            { SHARED_HART_PAGE, R, 1, 0, SRV_HART_PAGE },
            { SHARED_ARCHIVE, R, 0, 0, SRV_ARCHIVE },
            SESSION_OF(SERVER_FS, SERVER_PROC),
            SESSION_OF(SERVER_FS, SERVER_TIME),
        },
        .cap = {
            { SHARED_ARCHIVE, MAP_RIGHTS_R, SRV_CAP_ARCHIVE },
        },
    },
};
