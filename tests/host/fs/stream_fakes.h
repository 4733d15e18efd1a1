/* SPDX-License-Identifier: MIT */
/*
 * The world of fs's stream modules, on the host: processes, descriptors,
 * client memory (a client's addresses are ours), parked requests, a clock that
 * the test moves, recorded signals and answers. wait.c, io.c and rw.c are the
 * real ones.
 */
#ifndef TESTS_FS_STREAM_FAKES_H
#define TESTS_FS_STREAM_FAKES_H

#include <fs_server.h>

#include "file.h"
#include "serve.h"
#include "process.h"
#include "vfs.h"

/* A request on behalf of process slot `slot`. */
struct request {
    struct rpc_call call;
    bool     answered;
    error_t  error;
    uint64_t done;              /* first result, whatever it is called          */
    uint64_t extra[3];          /* the others, in order                         */
};

void fakes_reset(void);
/* A live process: its pid is given, group and session too. */
struct process *fake_process(uint32_t slot, uint32_t pid, uint32_t pgid, uint32_t sid);

/* Start a request; call a handler or file_*_request with &r->call; hand its
 * result to request_result, which notes an answer given at once. */
struct request *request_new(struct process *);
void request_result(struct request *, error_t, uint64_t done);
void request_cancel(struct request *);
void request_free(struct request *);

/* read(2), write(2) and ioctl(2) as requests. */
struct request *start_read(struct process *, int32_t fd, void *to, size_t n);
struct request *start_write(struct process *, int32_t fd, const void *from, size_t n);
struct request *start_ioctl(struct process *, int32_t fd, uint32_t command, uint64_t argument);
/* The same when they must be answered at once: result or error. */
int64_t now_read(struct process *, int32_t fd, void *to, size_t n);
int64_t now_write(struct process *, int32_t fd, const void *from, size_t n);
error_t now_ioctl(struct process *, int32_t fd, uint32_t command, void *argument);

/* Run due timers, attempts included. */
void settle(void);
void advance_clock(ticks_t ticks);

/* ---- recorded ---- */
struct sent_signal { uint32_t pgid, pid, signo; };
extern struct sent_signal signals[64];
extern unsigned nr_signals;

extern int nr_live_files;

#endif
