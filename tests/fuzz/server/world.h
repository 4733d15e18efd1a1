/* SPDX-License-Identifier: MIT */
/*
 * The world of a server that is fuzzed: its own files, libipc's runtime and the
 * generated dispatch, over a kernel in this program. An input is a row of what
 * hostile clients do; docs/fuzzing.md has the form.
 *
 * A fuzz_NAME.c says what is particular (struct world_server) and calls world_run.
 */
#ifndef TESTS_FUZZ_SERVER_WORLD_H
#define TESTS_FUZZ_SERVER_WORLD_H

#include <libipc/executor.h>
#include <libipc/fuzz_requests.h>
#include <libipc/server.h>

/* What is left of the input; a read past its end gives 0. */
struct input {
    const uint8_t *at, *end;
};
uint64_t input_number(struct input *, unsigned bytes);

struct world_server {
    enum server_id self;
    const struct rpc_interface *interface;
    const struct fuzz_method *method;
    unsigned nr_methods;
    struct rpc_server *server;
    /* Once: everything but the executor and the sessions. */
    void (*start)(void);
    /* What proc and others tell the server, rightly. */
    void (*event)(struct input *, unsigned kind);
    /* Each input: a process in each slot of world_client[]; then they end, and what must be as before is looked at. */
    void (*begin)(void);
    void (*finish)(void);
    /* An invocation of the kernel: result in a[1]. */
    error_t (*invoke)(uint64_t a[7]);
    const char *const *text;        /* strings for requests, NULL behind the last */
};

#define WORLD_CLIENTS 4u
#define WORLD_MEMORY 0x20000000ul   /* the memory of all clients                  */
#define WORLD_MEMORY_BYTES 0x20000ul

int world_run(const struct world_server *, const uint8_t *data, size_t size);

/* An entry in a session, as its client would put it there; what the server then does is done when this returns. */
void world_submit(uint32_t client, const struct sq_entry *);
/* A request with these words; its answer, or ERR_CANCELLED when there is none yet. */
error_t world_call(uint32_t client, uint16_t method, const uint64_t word[6], uint64_t result[6]);
/* An event of another server. */
void world_event(uint32_t from, uint16_t method, uint64_t a, uint64_t b, uint64_t c);
/* Until nothing is left to do. */
void world_settle(void);
void world_fail(const char *what) __attribute__((noreturn));
struct proc_page *world_page(uint32_t slot);
/* The bytes at a client's address that may be touched: at most *bytes, less if memory ends before. */
uint8_t *world_memory(uint64_t address, uint64_t *bytes);
/* A number made from what the input holds, small, striking or raw. */
uint64_t world_value(struct input *, unsigned bytes);

extern struct server_info world_info;
/* The slots from which the input's requests come; at first those from FIRST_PROCESS_SLOT on. */
extern uint32_t world_client[WORLD_CLIENTS];

#endif
