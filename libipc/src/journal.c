/* SPDX-License-Identifier: MIT */
/*
 * Undo records for memory that outlives a server; see journal.h.
 *
 * A record is the old content, padded to 8 bytes, and behind it where it lay. `used` is written last, so a record
 * counts when it is whole. They are put back from the last to the first: of a piece that was saved twice, the older
 * content wins. `used` stays until all are back, and putting back twice does no harm, so death in journal_open is
 * nothing special.
 *
 * The commit of journal_commit_with is changed in this order: witness = NULL (never committed), before, witness.
 */
#include <assert.h>
#include <libipc/journal.h>
#include <string.h>

#ifndef STEP    /* a place to die, for tests */
#define STEP() __asm__ volatile("" ::: "memory")
#endif

struct record { uint32_t at, bytes; };      /* relative to base; bytes as saved */

static struct journal *journal;
static uint8_t *base;
static size_t size;

static uint32_t padded(uint32_t bytes)
{
    return (bytes + 7u) & ~7u;
}

static void put_back(void)
{
    for (uint32_t end = journal->used; end != 0;) {
        struct record r;

        memcpy(&r, journal->undo + end - sizeof r, sizeof r);
        end -= (uint32_t)sizeof r + padded(r.bytes);
        memcpy(base + r.at, journal->undo + end, r.bytes);
        STEP();
    }
}

void journal_open(struct journal *j, void *from, size_t bytes)
{
    journal = j;
    base = from;
    size = bytes;
    if (j->used != 0 && (j->witness == NULL || *j->witness == j->before))
        put_back();
    journal_commit();
}

void journal_commit(void)
{
    STEP();
    journal->used = 0;
    STEP();
}

void journal_begin(const volatile uint32_t *witness)
{
    journal_commit();
    if (witness != NULL)
        journal_commit_with(witness);
    else
        journal->witness = NULL;
    STEP();
}

void journal_save(const void *piece, size_t bytes)
{
    size_t at = (size_t)((const uint8_t *)piece - base);
    uint32_t end = journal->used, length = padded((uint32_t)bytes);
    struct record r = { (uint32_t)at, (uint32_t)bytes };

    if (at >= size || bytes > size - at)
        return;
    assert(bytes <= sizeof journal->undo && end + length + sizeof r <= sizeof journal->undo);
    memcpy(journal->undo + end, piece, bytes);
    memcpy(__builtin_assume_aligned(journal->undo + end + length, 8), &r, sizeof r);
    STEP();
    journal->used = end + length + (uint32_t)sizeof r;
    STEP();
}

void journal_commit_with(const volatile uint32_t *word)
{
    STEP();
    journal->witness = NULL;
    STEP();
    journal->before = *word;
    STEP();
    journal->witness = word;
    STEP();
}

/* Where there is a kernel to ask: start.c. */
__attribute__((weak)) bool durable_commit(void *pages, size_t bytes)
{
    (void)pages, (void)bytes;
    return true;
}
