/* SPDX-License-Identifier: MIT */
/*
 * The servers that fs is a client of, and what main.c and the modules of
 * streams (pipes, terminals, sockets, timers, polling) offer each other.
 */
#ifndef FS_PEERS_H
#define FS_PEERS_H

#include <libipc/client.h>
#include <libipc/system.h>

struct process;

/* Sessions to proc and each shard of time: proc_signal_group(&proc_peer, ...) and so on. */
extern struct rpc_client proc_peer, time_peer[MAX_SHARDS];
extern uint32_t nr_time_peers;
extern const struct server_info *fs_info;
extern struct rpc_server fs_server;

/* ---- defined by the stream modules, called by main.c and process.c ---- */
/* Registers devices (vfs_register_char, devfs_add), interrupts (exec_on_signal), FIFOs. */
error_t streams_init(const struct server_info *);
/* Descriptors 0, 1, 2 of the first process: the console, or the --exec ports. */
error_t streams_first_descriptors(struct process *);
/* A process is gone (before its descriptors are closed). */
void streams_process_closed(struct process *);
/* exec: the process moved from one slot to another (phase 1). */
void streams_process_moved(struct process *from, struct process *to);
/* The terminal of a session as procfs shows it (dev_t, foreground group), 0 and -1 when none. */
void streams_session_tty(uint32_t sid, uint32_t *dev, int32_t *pgrp);

#endif
