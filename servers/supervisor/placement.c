/* SPDX-License-Identifier: MIT */
/*
 * Placement: a text of the boot archive, overridden by the command line.
 *
 * A line `N: fs=1 proc=1 guests=0-1,3` holds for N harts; of several the one
 * with the greatest N that the machine reaches is taken. A line without `N:`
 * holds always. The command line's `place=` word has the same items separated
 * by commas; a part that is a bare number or range continues a list.
 */
#include "placement.h"

#include <string.h>

#include "assembly.h"

void placement_default(struct placement *p, unsigned nr_harts)
{
    uint32_t last = nr_harts - 1;

    for (unsigned i = 0; i < NR_SERVERS; i++)
        p->server_hart[i] = NOWHERE;
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (!assembly[i].shard)
            p->server_hart[assembly[i].id] = last;
    p->guest_mask = nr_harts == 1 ? 1 : (1u << last) - 1;
}

static bool number(const char **at, const char *end, unsigned *value)
{
    const char *p = *at;

    *value = 0;
    while (p < end && *p >= '0' && *p <= '9' && *value < 10000)
        *value = *value * 10 + (unsigned)(*p++ - '0');
    if (p == *at)
        return false;
    *at = p;
    return true;
}

#define MAX_LISTED 32u

/* "0-2", "1,3", "0+2-3": the harts in this order; 0 when malformed, a hart is absent, or there are too many. */
static unsigned hart_list(const char *at, const char *end, unsigned nr_harts, uint32_t out[MAX_LISTED])
{
    unsigned n = 0;

    for (;;) {
        unsigned first, last;

        if (!number(&at, end, &first))
            return 0;
        last = first;
        if (at < end && *at == '-') {
            at++;
            if (!number(&at, end, &last))
                return 0;
        }
        if (first > last || last >= nr_harts || n + (last - first) >= MAX_LISTED)
            return 0;
        for (unsigned h = first; h <= last; h++)
            out[n++] = h;
        if (at == end)
            return n;
        if (*at != ',' && *at != '+')
            return 0;
        at++;
    }
}

static bool starts_with(const char *at, const char *end, const char *word, size_t *length)
{
    *length = strlen(word);
    return (size_t)(end - at) > *length && memcmp(at, word, *length) == 0 && at[*length] == '=';
}

/* Shard i on the i-th of n harts, the others nowhere; false: there are not so many. */
static bool place(struct placement *p, unsigned first, const uint32_t *hart, unsigned n)
{
    unsigned shards = 0;

    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        shards += assembly[i].first == first;
    if (n > shards)
        return false;
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (assembly[i].first == first)
            p->server_hart[assembly[i].id] = assembly[i].shard < n ? hart[assembly[i].shard] : NOWHERE;
    return true;
}

/* One item `name=value`; false when it means nothing here. */
static bool apply_item(struct placement *p, const char *at, const char *end, unsigned nr_harts)
{
    uint32_t hart[MAX_LISTED];
    size_t length;
    unsigned n;

    if (starts_with(at, end, "guests", &length)) {
        uint32_t mask = 0;

        n = hart_list(at + length + 1, end, nr_harts, hart);
        while (n)
            mask |= 1u << hart[--n];
        if (mask)
            p->guest_mask = mask;
        return mask;
    }
    for (unsigned i = 0; i < NR_COMPONENTS; i++) {
        if (assembly[i].shard || !starts_with(at, end, assembly[i].program, &length))
            continue;
        n = hart_list(at + length + 1, end, nr_harts, hart);
        return n && place(p, assembly[i].id, hart, n);
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The words of one line. */
static unsigned apply_line(struct placement *p, const char *at, const char *end, unsigned nr_harts)
{
    unsigned bad = 0;

    while (at < end) {
        const char *word = at;

        if (is_space(*at)) {
            at++;
            continue;
        }
        while (at < end && !is_space(*at))
            at++;
        if (!apply_item(p, word, at, nr_harts))
            bad++;
    }
    return bad;
}

struct line {
    const char *at, *end;   /* the items */
    unsigned harts;         /* 0: holds always */
};

static bool next_line(const char **text, const char *end, struct line *out)
{
    const char *p = *text, *digits;

    if (p >= end)
        return false;
    while (p < end && *p != '\n' && *p != '#')
        p++;
    out->at = *text;
    out->end = p;
    while (p < end && *p != '\n')
        p++;
    *text = p < end ? p + 1 : end;
    out->harts = 0;
    while (out->at < out->end && is_space(*out->at))
        out->at++;
    digits = out->at;
    if (number(&digits, out->end, &out->harts) && digits < out->end && *digits == ':')
        out->at = digits + 1;
    else
        out->harts = 0;
    return true;
}

unsigned placement_parse(struct placement *p, const char *text, size_t bytes, unsigned nr_harts)
{
    const char *end = text + bytes;
    unsigned best = 0, bad = 0;
    struct line line;

    for (const char *at = text; next_line(&at, end, &line);)
        if (line.harts <= nr_harts && line.harts > best)
            best = line.harts;
    for (const char *at = text; next_line(&at, end, &line);)
        if (line.harts == 0 || line.harts == best)
            bad += apply_line(p, line.at, line.end, nr_harts);
    return bad;
}

unsigned placement_command_line(struct placement *p, const char *command_line, unsigned nr_harts)
{
    unsigned bad = 0;
    const char *at = command_line;

    while (*at) {
        const char *end = at;

        while (*end && !is_space(*end))
            end++;
        if (end - at > 6 && memcmp(at, "place=", 6) == 0) {
            at += 6;
            while (at < end) {
                const char *item = at++;

                /* an item ends at a comma that is followed by a letter */
                while (at < end && !(*at == ',' && at + 1 < end && (at[1] < '0' || at[1] > '9')))
                    at++;
                bad += !apply_item(p, item, at, nr_harts);
                at += at < end;
            }
        }
        at = end;
        while (is_space(*at))
            at++;
    }
    return bad;
}
