/* SPDX-License-Identifier: MIT */
#include <libipc/figures.h>
#include <libipc/serve.h>
#include <stdlib.h>

static const struct server_info *own;

static void check(error_t error)
{
    if (error)
        abort();
}

void serve_init(const struct server_info *info, struct rpc_server *server, const struct rpc_interface *interface,
                const struct trace_interface *trace)
{
    const struct exec_config config = {
        .notification = SRV_CAP_NOTIFICATION, .doorbell_mask = DOORBELL_MASK,
        .hart_page = (const volatile struct hart_page *)SRV_HART_PAGE, .hart = &info->hart,
        .nr_coroutines = info->nr_coroutines, .coroutine_stack_bytes = info->coroutine_stack_bytes,
    };

    check(exec_init(&config));
    check(rpc_server_init(server, interface, (struct session *)SRV_SESSIONS, NR_SLOTS, SRV_CAP_CLIENT_VSPACES,
                          SRV_CAP_CLIENT_DOORBELLS));
    exec_add_server(server);
    own = info;
    rpc_server_survive(server, RPC_SURVIVORS(SRV_SESSIONS), info->restarts);
    rpc_figures_start(server, info);
    if (info->boot_flags & BOOT_TRACE)
        rpc_server_trace(server, trace);
}

void serve_connect(struct rpc_client *client, uint32_t server_id, uint64_t layout_hash)
{
    struct session *session = (struct session *)(SRV_CLIENT_SESSIONS + server_id * SESSION_BYTES);

    check(rpc_client_init(client, session, &coro_rpc_env, SRV_CAP_DOORBELL + server_id, SRV_CAP_NOTIFICATION,
                          layout_hash));
    rpc_client_resume(client, own->restarts);
    exec_add_client(client);
}
