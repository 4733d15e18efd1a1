/* SPDX-License-Identifier: MIT */
/*
 * What concerns the whole system: its name, its end, and starting init.
 *
 * proc asks the supervisor to end the system. When
 * init ends, its descriptors were closed by the process_close event that fs got
 * before; the end is put off until fs took that event and a moment more, in
 * which what it had written reaches the device.
 */
#include <fs_client.h>
#include <libipc/syscall.h>
#include <string.h>

#include "events.h"
#include "shutdown.h"

#define DRAIN_MS     5
#define DRAIN_ROUNDS 200
enum {
    REBOOT_RESTART = 0x01234567, REBOOT_HALT = (int)0xcdef0123, REBOOT_POWER_OFF = 0x4321fedc,
    REBOOT_CAD_ON = (int)0x89abcdef, REBOOT_CAD_OFF = 0
};

static char hostname[65] = "atoll";
static struct exec_timer drain_timer;
static uint32_t final_status;
static unsigned rounds, quiet_rounds;

void shutdown_now(uint32_t status, bool reboot)
{
    struct sys_message m = { .info = MSG_INFO(SUPERVISOR_SHUTDOWN, 2, 0), .word = { status, reboot } };

    sys_send(SRV_CAP_SUPERVISOR, &m);
}

static void drain(struct exec_timer *timer)
{
    bool taken = fs_client.session->header.sq_head == fs_client.session->header.sq_tail;

    quiet_rounds = taken ? quiet_rounds + 1 : 0;
    if (quiet_rounds >= 3 || ++rounds == DRAIN_ROUNDS)
        shutdown_now(final_status, false);
    else
        exec_timer_set(timer, exec_now() + info->timebase_hz / 1000 * DRAIN_MS);
}

void shutdown_when_idle(uint32_t status)
{
    final_status = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
    drain_timer.fire = drain;
    exec_timer_set(&drain_timer, exec_now() + info->timebase_hz / 1000 * DRAIN_MS);
}

static bool is_root(const struct rpc_call *call)
{
    struct process *p = caller(call);

    return p && p->image->page->euid == 0;
}

error_t proc_serve_reboot(struct rpc_call *call, const struct proc_reboot_in *in, struct proc_reboot_out *out)
{
    (void)out;
    if (!is_root(call))
        return ERR_PERMISSION;
    switch ((int)in->command) {
    case REBOOT_RESTART:
        shutdown_now(0, true);
        return 0;
    case REBOOT_HALT:
    case REBOOT_POWER_OFF:
        shutdown_when_idle(0);
        return 0;
    case REBOOT_CAD_ON:
    case REBOOT_CAD_OFF:
        return 0;
    default:
        return ERR_INVALID_ARGUMENT;
    }
}

error_t proc_serve_set_hostname(struct rpc_call *call, const struct proc_set_hostname_in *in,
                                struct proc_set_hostname_out *out)
{
    (void)out;
    if (!is_root(call))
        return ERR_PERMISSION;
    if (in->name_bytes >= sizeof hostname)
        return ERR_INVALID_ARGUMENT;
    memset(hostname, 0, sizeof hostname);
    memcpy(hostname, in->name, in->name_bytes);
    return 0;
}

error_t proc_serve_get_hostname(struct rpc_call *call, const struct proc_get_hostname_in *in,
                                struct proc_get_hostname_out *out)
{
    uint64_t bytes = strlen(hostname) + 1;

    if (bytes > in->name.bytes)
        bytes = in->name.bytes;
    out->done = bytes;
    return rpc_buf_write(call, &in->name, 0, hostname, bytes);
}
