/* SPDX-License-Identifier: MIT */
/*
 * Copying argv and envp out of the old image onto the new stack.
 *
 * Two passes over the same strings: one measures, since strings lie at the top
 * of the stack and so their place depends on their length; one copies and stops
 * with an error if the old image's other threads changed them meanwhile. Reading
 * goes through a window of one page, because the strings of one process usually
 * lie next to each other.
 */
#include <string.h>
#include "args.h"
#include "guest.h"
#include "kcall.h"

#define MAX_STRING 131072ul         /* MAX_ARG_STRLEN                           */

static struct {
    uaddr_t  page;                  /* of the old image; 1: nothing             */
    uint64_t bytes;                 /* valid from the page's start              */
    uint8_t  data[PAGE_BYTES];
} window;

static error_t window_at(uaddr_t at)
{
    uaddr_t page = at & ~(PAGE_BYTES - 1);
    if (window.page == page && window.bytes)
        return ERR_OK;
    if (at >= GUEST_LIMIT)
        return ERR_FAULT;
    window.page = page;
    window.bytes = kcall_vspace_copy(GUEST_CAP_EXEC_SOURCE, page, window.data, PAGE_BYTES, false);
    return at - page < window.bytes ? ERR_OK : ERR_FAULT;
}

static error_t read_pointer(uaddr_t at, uaddr_t *value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) {
        if (window_at(at + i))
            return ERR_FAULT;
        bytes[i] = window.data[(at + i) % PAGE_BYTES];
    }
    memcpy(value, bytes, 8);
    return ERR_OK;
}

/* Walk a string; copies it when `to` is not 0. *length: with its NUL. */
static error_t walk_string(uaddr_t at, uaddr_t to, uint64_t room, uint64_t *length)
{
    uint64_t n = 0;
    for (;;) {
        error_t e = window_at(at + n);
        if (e)
            return e;
        uint64_t offset = (at + n) % PAGE_BYTES, here = window.bytes - offset;
        const uint8_t *end = memchr(window.data + offset, 0, here);
        uint64_t part = end ? (uint64_t)(end - (window.data + offset)) + 1 : here;
        if (n + part > room || n + part > MAX_STRING)
            return ERR_ARGS_TOO_LONG;
        if (to && guest_write(to + n, window.data + offset, part))
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
    window.page = 1;
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
