/* SPDX-License-Identifier: MIT */
/* What the generated trace decoders print with: libipc/trace.h. */
#include <libipc/client.h>
#include <libipc/trace.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trace_print(struct trace_text *t, const char *format, ...)
{
    size_t room = t->bytes - t->used;
    va_list args;
    int n;

    if (t->cut)
        return;
    va_start(args, format);
    n = vsnprintf(t->text + t->used, room, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < room) {
        t->used += (size_t)n;
        return;
    }
    t->cut = true;
    t->used = t->bytes - 1;
    memcpy(t->text + t->used - 2, "..", 3);
}

/* What comes before a value. */
static void begin(struct trace_text *t, const char *name)
{
    trace_print(t, "%s%s%s", t->go_on ? ", " : "", name ? name : "", name ? "=" : "");
    t->go_on = true;
}

const void *trace_fixed(const struct trace_message *m, uint32_t offset, uint32_t bytes)
{
    return m->arena != NULL && offset <= m->arena_bytes && bytes <= m->arena_bytes - offset ? m->arena + offset : NULL;
}

void trace_unsigned(struct trace_text *t, const char *name, uint64_t value)
{
    begin(t, name);
    trace_print(t, "%llu", (unsigned long long)value);
}

void trace_signed(struct trace_text *t, const char *name, int64_t value)
{
    begin(t, name);
    trace_print(t, "%lld", (long long)value);
}

void trace_word(struct trace_text *t, const char *word)
{
    begin(t, NULL);
    trace_print(t, "%s", word);
}

bool trace_open(struct trace_text *t, const char *name, char bracket, const void *where)
{
    begin(t, name);
    if (where == NULL) {
        trace_print(t, "...");
        return false;
    }
    trace_print(t, "%c", bracket);
    t->go_on = false;
    return true;
}

void trace_close(struct trace_text *t, char bracket)
{
    trace_print(t, "%c", bracket);
    t->go_on = true;
}

void trace_string(struct trace_text *t, const char *name, const struct trace_message *m, const void *where, bool result)
{
    struct rpc_ref ref = { .place = RPC_PLACE_ARENA };
    struct rpc_pair pair;
    const uint8_t *from;
    char shown[TRACE_STRING_SHOWN];

    if (where != NULL && result) {
        memcpy(&pair, where, sizeof pair);
        ref.at = pair.at;
        ref.bytes = pair.count;
    } else if (where != NULL) {
        memcpy(&ref, where, sizeof ref);
    }
    from = ref.place == RPC_PLACE_ARENA && ref.at <= UINT32_MAX ? trace_fixed(m, (uint32_t)ref.at, ref.bytes) : NULL;
    if (where == NULL || from == NULL) {
        trace_bytes(t, name, where, result);
        return;
    }
    for (uint32_t i = 0; i < ref.bytes && i < sizeof shown; i++)
        shown[i] = from[i] < ' ' || from[i] > '~' || from[i] == '"' ? '?' : (char)from[i];
    begin(t, name);
    trace_print(t, "\"%.*s\"%s", (int)(ref.bytes < sizeof shown ? ref.bytes : sizeof shown), shown,
                ref.bytes > sizeof shown ? ".." : "");
}

void trace_bytes(struct trace_text *t, const char *name, const void *where, bool pair)
{
    struct rpc_ref ref;
    struct rpc_pair p;

    begin(t, name);
    if (where == NULL) {
        trace_print(t, "...");
    } else if (pair) {
        memcpy(&p, where, sizeof p);
        trace_print(t, "[%u bytes]", p.count);
    } else {
        memcpy(&ref, where, sizeof ref);
        trace_print(t, "[%u bytes]", ref.bytes);
    }
}

#define SHOW_SCALAR(type, c_type, show) \
    void trace_##type(struct trace_text *t, const char *name, const void *where) \
    { \
        c_type value; \
        if (where == NULL) { \
            begin(t, name); \
            trace_print(t, "..."); \
        } else { \
            memcpy(&value, where, sizeof value); \
            show(t, name, value); \
        } \
    }
SHOW_SCALAR(u8, uint8_t, trace_unsigned)
SHOW_SCALAR(u16, uint16_t, trace_unsigned)
SHOW_SCALAR(u32, uint32_t, trace_unsigned)
SHOW_SCALAR(u64, uint64_t, trace_unsigned)
SHOW_SCALAR(i8, int8_t, trace_signed)
SHOW_SCALAR(i16, int16_t, trace_signed)
SHOW_SCALAR(i32, int32_t, trace_signed)
SHOW_SCALAR(i64, int64_t, trace_signed)

void trace_list(struct trace_text *t, const char *name, const void *where, uint32_t count, uint32_t element_bytes, trace_show_t *show)
{
    if (!trace_open(t, name, '[', where))
        return;
    for (uint32_t i = 0; i < count && i < TRACE_LIST_SHOWN; i++)
        show(t, NULL, (const uint8_t *)where + (size_t)i * element_bytes);
    if (count > TRACE_LIST_SHOWN)
        trace_print(t, ", .. %u in all", count);
    trace_close(t, ']');
}

void trace_array(struct trace_text *t, const char *name, const struct trace_message *m, const void *where, uint32_t element_bytes,
                 trace_show_t *show)
{
    struct rpc_pair pair = { 0 };
    const void *elements = NULL;

    if (where != NULL) {
        memcpy(&pair, where, sizeof pair);
        if ((uint64_t)pair.count * element_bytes <= UINT32_MAX)
            elements = trace_fixed(m, pair.at, pair.count * element_bytes);
        if (elements == NULL && pair.count != 0) {
            begin(t, name);
            trace_print(t, "[%u]", pair.count);
            return;
        }
    }
    trace_list(t, name, pair.count ? elements : where, pair.count, element_bytes, show);
}
