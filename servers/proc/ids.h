/* SPDX-License-Identifier: MIT */
/* User and group ids, capabilities. */
#ifndef PROC_IDS_H
#define PROC_IDS_H

#include "process.h"

/* Operations of set_uids and set_gids. */
enum { IDS_SET, IDS_SET_RE, IDS_SET_RES, IDS_SET_FS };
#define ALL_CAPABILITIES 0x1ffffffffffull   /* CAP_LAST_CAP is 40 */
/* Published capabilities: a process whose effective uid is 0 has all. */
void ids_update_capabilities(struct proc_page *);

#endif
