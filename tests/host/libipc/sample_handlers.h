/* SPDX-License-Identifier: MIT */
/* Handlers of tests/idl/sample.idl, shared by the runtime's tests. */
#ifndef TESTS_SAMPLE_HANDLERS_H
#define TESTS_SAMPLE_HANDLERS_H

#include <sample_server.h>

extern unsigned handlers_nr_notes;
extern uint64_t handlers_last_note;
extern unsigned handlers_nr_parked;
extern unsigned handlers_nr_sleeping;
/* What rpc_identity said of the last sum or sleep. */
extern bool handlers_named;
extern struct rpc_identity handlers_identity;

/* Answers all parked `wait` and `read_later` requests of a key; how many. */
unsigned handlers_wake(uint32_t key, uint32_t value);

#endif
