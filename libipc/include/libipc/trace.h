/* SPDX-License-Identifier: MIT */
/*
 * Text of ring entries. The decoders that the IDL compiler writes (NAME_trace.c) name the pieces of a message in the order
 * of its declaration; the functions here print them. What a client says of its message is not believed: a piece that lies
 * outside is shown as "..." or by its size only.
 */
#ifndef LIBIPC_TRACE_H
#define LIBIPC_TRACE_H

#include <libipc/ring.h>

#define TRACE_STRING_SHOWN 40u      /* characters of a string                      */
#define TRACE_LIST_SHOWN   8u       /* elements of an array                        */

/* Where the text goes. What does not fit is cut off: then the text ends in "..". */
struct trace_text {
    char  *text;
    size_t bytes;                   /* room, at least 3; the text ends in a NUL     */
    size_t used;                    /* without it                                  */
    bool   go_on;                   /* the next piece is not the first of its list */
    bool   cut;
};

/* A request or an answer, in private memory. */
struct trace_message {
    const uint64_t *word;           /* the entry's six                             */
    const uint8_t  *arena;          /* NULL: none                                  */
    uint32_t        arena_bytes;
};

struct trace_interface {
    const char *name;
    const char *(*method_name)(uint16_t method);    /* NULL: it has none such */
    /* "x=1, y=2": what is in the parentheses, or behind the arrow. */
    void (*show_request)(struct trace_text *, uint16_t method, const struct trace_message *);
    void (*show_answer)(struct trace_text *, uint16_t method, const struct trace_message *);
};

void trace_print(struct trace_text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- for the decoders. `name` NULL: an element of a list; `where` NULL: it is not there ---- */
/* The fixed piece at this place of the arena, or NULL. */
const void *trace_fixed(const struct trace_message *, uint32_t offset, uint32_t bytes);
void trace_unsigned(struct trace_text *, const char *name, uint64_t);
void trace_signed(struct trace_text *, const char *name, int64_t);
/* A word without a value. */
void trace_word(struct trace_text *, const char *word);
/* name=[ or {. False: it is not there, which has been said. */
bool trace_open(struct trace_text *, const char *name, char bracket, const void *where);
void trace_close(struct trace_text *, char bracket);
/* A string whose descriptor is at `where`, "text", with ? for what does not print, if it lies in the arena; else
 * [n bytes]. A result's descriptor is a struct rpc_pair, else it is a struct rpc_ref. */
void trace_string(struct trace_text *, const char *name, const struct trace_message *, const void *where, bool result);
/* [n bytes], by a struct rpc_pair (`pair`) or rpc_ref. */
void trace_bytes(struct trace_text *, const char *name, const void *where, bool pair);

typedef void trace_show_t(struct trace_text *, const char *name, const void *where);
trace_show_t trace_u8, trace_u16, trace_u32, trace_u64, trace_i8, trace_i16, trace_i32, trace_i64;
#define trace_bool trace_u8
/* `count` elements that lie at `where`. */
void trace_list(struct trace_text *, const char *name, const void *where, uint32_t count, uint32_t element_bytes, trace_show_t *);
/* Those that the struct rpc_pair at `where` describes; [n] if they are not in the arena. */
void trace_array(struct trace_text *, const char *name, const struct trace_message *, const void *where, uint32_t element_bytes,
                 trace_show_t *);

#endif
