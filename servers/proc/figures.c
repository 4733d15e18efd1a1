/* SPDX-License-Identifier: MIT */
/* What proc says of itself, for /proc/atoll/servers. */
#include <libipc/figures.h>
#include <string.h>
#include <proc_server.h>

#include "process.h"

error_t proc_serve_server_figures(struct rpc_call *call, const struct proc_server_figures_in *in,
                                  struct proc_server_figures_out *out)
{
    struct rpc_figures figures;

    (void)in;
    _Static_assert(sizeof figures == sizeof out->figures, "the same words");
    rpc_figures(call->server, SRV_CAP_TCB, info->timebase_hz, info->hart, &figures);
    memcpy(&out->figures, &figures, sizeof figures);
    return 0;
}
