/* SPDX-License-Identifier: MIT */
/*
 * Copying argv and envp out of the old image onto the new stack.
 *
 * Two passes over the same strings: one measures, since strings lie at the top
 * of the stack and so their place depends on their length; one copies and stops
 * with an error if the old image's other threads changed them meanwhile. Reading
 * goes through a few windows, because the strings of one process usually lie next
 * to each other, those of argv and envp and the two arrays in different places.
 */
#include <string.h>
#include "args.h"
#include "guest.h"
#include "kcall.h"

#define MAX_STRING 131072ul         /* MAX_ARG_STRLEN                           */

#define WINDOW_BYTES 1024ul             /* all of them: one page                */
#define NR_WINDOWS   4u

static struct { uint8_t data[NR_WINDOWS][WINDOW_BYTES]; } window_memory __attribute__((aligned(4096)));
static struct window {
    uaddr_t  at;                    /* of the old image                         */
    uint64_t bytes;                 /* valid from there; 0: nothing             */
    uint8_t *data;
} window[NR_WINDOWS];
static unsigned next_window;

/* The window with the byte at `at`, or NULL. */
static struct window *window_at(uaddr_t at)
{
    uaddr_t start = at & ~(WINDOW_BYTES - 1);
    for (unsigned i = 0; i < NR_WINDOWS; i++)
        if (window[i].at == start && at - start < window[i].bytes)
            return &window[i];
    if (at >= GUEST_LIMIT)
        return NULL;
    struct window *w = &window[next_window];
    w->data = window_memory.data[next_window];
    next_window = (next_window + 1) % NR_WINDOWS;
    w->at = start;
    w->bytes = kcall_vspace_copy(GUEST_CAP_EXEC_SOURCE, start, w->data, WINDOW_BYTES, false);
    return at - start < w->bytes ? w : NULL;
}

static error_t read_pointer(uaddr_t at, uaddr_t *value)
{
    uint8_t bytes[8];
    const struct window *w = at % 8 ? NULL : window_at(at);
    if (w && at - w->at + 8 <= w->bytes) {
        memcpy(value, w->data + (at - w->at), 8);
        return ERR_OK;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (!(w = window_at(at + i)))
            return ERR_FAULT;
        bytes[i] = w->data[at + i - w->at];
    }
    memcpy(value, bytes, 8);
    return ERR_OK;
}

/* Walk a string; copies it when `to` is not 0. *length: with its NUL. */
static error_t walk_string(uaddr_t at, uaddr_t to, uint64_t room, uint64_t *length)
{
    uint64_t n = 0;
    for (;;) {
        const struct window *w = window_at(at + n);
        if (!w)
            return ERR_FAULT;
        const uint8_t *from = w->data + (at + n - w->at);
        uint64_t here = w->bytes - (at + n - w->at);
        const uint8_t *end = memchr(from, 0, here);
        uint64_t part = end ? (uint64_t)(end - from) + 1 : here;
        if (n + part > room || n + part > MAX_STRING)
            return ERR_ARGS_TOO_LONG;
        if (to && guest_write(to + n, from, part))
            return ERR_FAULT;
        n += part;
        if (end) {
            *length = n;
            return ERR_OK;
        }
    }
}

/* One walk over everything; copies when `pointers` is not 0. */
struct walk { uaddr_t strings, pointers; uint64_t room, used, nr; };

static error_t emit_pointer(struct walk *w, uint64_t value)
{
    if (w->pointers) {
        if (put64(w->pointers, value))
            return ERR_FAULT;
        w->pointers += 8;
    }
    return ERR_OK;
}

static error_t emit(struct walk *w, const char *own, uaddr_t theirs)
{
    uint64_t length;
    error_t e = emit_pointer(w, w->strings);
    if (e)
        return e;
    if (own) {
        length = strlen(own) + 1;
        if (length > w->room)
            return ERR_ARGS_TOO_LONG;
        if (w->pointers && guest_write(w->strings, own, length))
            return ERR_FAULT;
    } else if ((e = walk_string(theirs, w->pointers ? w->strings : 0, w->room, &length))) {
        return e;
    }
    w->strings += length;
    w->room -= length;
    w->used += length;
    w->nr++;
    return ERR_OK;
}

static error_t walk_array(struct walk *w, uaddr_t array, uint64_t skip)
{
    for (uint64_t i = 0; array; i++) {
        uaddr_t p;
        error_t e = read_pointer(array + 8 * i, &p);
        if (e)
            return e;
        if (!p)
            break;
        if (i < skip)
            continue;
        if (!w->pointers && w->room < 8)
            return ERR_ARGS_TOO_LONG;
        if ((e = emit(w, NULL, p)))
            return e;
    }
    return ERR_OK;
}

static error_t walk_all(const struct args *a, struct walk *w, uint64_t *argc, uaddr_t *env_start)
{
    error_t e = ERR_OK;
    for (uint32_t i = 0; i < a->nr_prefix && !e; i++)
        e = emit(w, a->prefix[i], 0);
    if (!e)
        e = walk_array(w, a->argv, a->skip);
    *argc = w->nr;
    *env_start = w->strings;
    if (!e)
        e = emit_pointer(w, 0);
    for (uint32_t i = 0; i < a->nr_first_env && !e; i++)
        e = emit(w, a->first_env[i], 0);
    if (!e && !a->nr_first_env)
        e = walk_array(w, a->envp, 0);
    return e ? e : emit_pointer(w, 0);
}

error_t args_measure(struct args *a, uint64_t limit_bytes)
{
    struct walk w = { .room = limit_bytes };
    uaddr_t unused;
    error_t e = walk_all(a, &w, &a->argc, &unused);
    a->envc = w.nr - a->argc;
    a->string_bytes = w.used;
    return e ? e : w.used + 8 * w.nr > limit_bytes ? ERR_ARGS_TOO_LONG : ERR_OK;
}

error_t args_copy(const struct args *a, uaddr_t strings, uaddr_t pointers, uaddr_t *env_start)
{
    struct walk w = { .strings = strings, .pointers = pointers, .room = a->string_bytes };
    uint64_t argc;
    error_t e = walk_all(a, &w, &argc, env_start);
    if (!e && (argc != a->argc || w.nr - argc != a->envc || w.used != a->string_bytes))
        e = ERR_ARGS_TOO_LONG;
    return e;
}
