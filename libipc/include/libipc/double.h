/* SPDX-License-Identifier: MIT */
/*
 * What generated test doubles share (NAME_double.h): a double stands where an interface's client stubs and server would
 * be, in a test on the host. It keeps every call with its decoded arguments, and answers as it was told before, or later
 * when the call was to be held. A call that nobody told it of ends the program. One thread.
 *
 * Everything it hands out lives until double_reset.
 */
#ifndef LIBIPC_DOUBLE_H
#define LIBIPC_DOUBLE_H

#include <libipc/client.h>
#include <libipc/server.h>

struct double_call {
    uint16_t method;
    bool     answered;          /* of a held call: the test has answered it     */
    error_t  error;             /* the answer                                   */
    void    *in;                /* struct NAME_METHOD_in; own copies of strings, bytes and arrays */
    void    *out;               /* struct NAME_METHOD_out; NULL on errors       */
    const void *lent_in;        /* copy of a buffer that was lent for reading   */
    uint64_t lent_in_bytes;
    struct rpc_out lent_out;    /* the caller's own, lent for writing           */
    struct double_call *next;
};

struct double_method {
    uint16_t ordinal;
    bool     is_event;
    const char *name;
};

struct rpc_double {
    const char *name;
    const struct double_method *method;
    unsigned nr_methods;
    /* Runs others until a held call is answered, which somebody waits for; NULL: waiting ends the program. */
    void (*wait)(struct double_call *);
    struct double_call *calls;
    struct double_answer *answers;
    struct double_block *blocks;
};

/* Forget all calls and answers. */
void double_reset(struct rpc_double *);
/* How many answers nobody called for and held calls nobody answered, each named on standard error. */
unsigned double_unmet(const struct rpc_double *);
/* How often a method was called; call n of it (from 0), or NULL. */
unsigned double_nr_calls(const struct rpc_double *, uint16_t method);
struct double_call *double_call(const struct rpc_double *, uint16_t method, unsigned n);
/* The next call of the method waits for NAME_double_METHOD_answer. */
void double_hold(struct rpc_double *, uint16_t method);
/* The oldest held call of the method, or NULL. */
struct double_call *double_held(const struct rpc_double *, uint16_t method);
/* The answer told last is for all further calls of its method, and need not be called for. */
void double_repeat(struct rpc_double *);

/* ---- for generated code ---- */
void *double_copy(struct rpc_double *, const void *data, uint64_t bytes);    /* a NUL behind it */
struct double_call *double_begin(struct rpc_double *, uint16_t method, size_t in_bytes);
/* All arguments are there: takes the answer, or leaves the call held. */
void double_called(struct rpc_double *, struct double_call *);
void double_posted(struct rpc_double *, struct rpc_client *, struct double_call *);
error_t double_finish(struct rpc_double *, struct double_call *);
void double_tell(struct rpc_double *, uint16_t method, error_t error, const void *out, size_t out_bytes, const void *lent,
                 uint64_t lent_bytes);
void double_answer(struct rpc_double *, struct double_call *, error_t error, const void *out, size_t out_bytes,
                   const void *lent, uint64_t lent_bytes);
error_t double_give(struct rpc_out to, const void *from, uint32_t bytes);

#endif
