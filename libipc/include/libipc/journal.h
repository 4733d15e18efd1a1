/* SPDX-License-Identifier: MIT */
/*
 * Changing memory that outlives a server, all or nothing.
 *
 * A server whose policy is restart = "always" may die at any instruction, and the next one finds its durable memory as
 * it was at that moment. A change of several words therefore is a transaction: journal_begin, journal_save of each
 * piece before it is written, and a commit. journal_open, in the next server, puts back what was saved by a transaction
 * that was not committed.
 *
 * journal_commit_with makes the commit one with something that others see: the transaction counts from the moment on in
 * which a word changes that somebody else watches, the index of a ring. So an answer is given if and only if what it
 * answers for has been done (rpc_done_word), and a timer has expired if and only if its event is in its owner's ring.
 *
 * One transaction at a time; beginning one ends the one before, whatever became of it. Nothing here suspends, and
 * nothing may between begin and the commit. Death stops the one thread between two of its own instructions, so program
 * order is all the order that is needed, and it is the compiler that must keep it.
 */
#ifndef LIBIPC_JOURNAL_H
#define LIBIPC_JOURNAL_H

#include <atoll/types.h>

#define JOURNAL_BYTES 8192

/* In the durable memory; zero at first. */
struct journal {
    const volatile uint32_t *witness;   /* committed when it is not `before`; NULL: not committed */
    uint32_t before;
    uint32_t used;                      /* bytes of `undo`; 0: no transaction   */
    _Alignas(8) uint8_t undo[JOURNAL_BYTES - 16];
};
_Static_assert(sizeof(struct journal) == JOURNAL_BYTES, "whole pages");

/* `from` and `bytes`: the durable memory that is saved, at the address at which the server before had it. Puts back what
 * it left half-done. Before the words are changed that commits depend on, so before sessions are taken over. */
void journal_open(struct journal *, void *from, size_t bytes);
/* `witness`: as journal_commit_with, or NULL. */
void journal_begin(const volatile uint32_t *witness);
/* Memory elsewhere is left out: nobody will look for it. More than fits is a defect of the server. */
void journal_save(const void *piece, size_t bytes);
/* The transaction stands when *word changes. */
void journal_commit_with(const volatile uint32_t *word);
/* The transaction stands. */
void journal_commit(void);
/* Whole pages of durable memory that will be written: see to it that they are there. False: no memory. */
bool durable_commit(void *pages, size_t bytes);

#endif
