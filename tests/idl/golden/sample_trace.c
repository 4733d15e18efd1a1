/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Text of interface sample's entries, for traces. */
#include <libipc/trace.h>
#include <sample_types.h>
#include <string.h>

static void show_point(struct trace_text *t, const char *name, const void *where)
{
    struct sample_point v;

    if (!trace_open(t, name, '{', where))
        return;
    memcpy(&v, where, sizeof v);
    trace_signed(t, "x", v.x);
    trace_signed(t, "y", v.y);
    trace_close(t, '}');
}

static void show_shape(struct trace_text *t, const char *name, const void *where)
{
    struct sample_shape v;

    if (!trace_open(t, name, '{', where))
        return;
    memcpy(&v, where, sizeof v);
    trace_list(t, "corner", v.corner, 2, 8, show_point);
    trace_unsigned(t, "id", v.id);
    trace_unsigned(t, "color", v.color);
    trace_unsigned(t, "filled", v.filled);
    trace_list(t, "reserved", v.reserved, 3, 1, trace_u8);
    trace_close(t, '}');
}

static void show_figure(struct trace_text *t, const char *name, const void *where)
{
    struct sample_figure v;

    if (!trace_open(t, name, '{', where))
        return;
    memcpy(&v, where, sizeof v);
    switch ((int64_t)v.tag) {
    case 0:
        trace_word(t, "nothing");
        break;
    case 1:
        show_point(t, "dot", &v.dot);
        break;
    case 2:
        trace_list(t, "color", v.color, 3, 2, trace_u16);
        break;
    case 7:
        trace_unsigned(t, "how", v.how);
        break;
    default:
        trace_unsigned(t, "tag", v.tag);
        break;
    }
    trace_close(t, '}');
}

static void show_word(struct trace_text *t, const char *name, const void *where)
{
    struct sample_word v;

    if (!trace_open(t, name, '{', where))
        return;
    memcpy(&v, where, sizeof v);
    switch ((int64_t)v.tag) {
    case 1:
        trace_unsigned(t, "number", v.number);
        break;
    case 2:
        show_shape(t, "whole", &v.whole);
        break;
    default:
        trace_unsigned(t, "tag", v.tag);
        break;
    }
    trace_close(t, '}');
}

static const char *method_name(uint16_t method)
{
    switch (method) {
    case SAMPLE_METHOD_SUM:
        return "sum";
    case SAMPLE_METHOD_CALC:
        return "calc";
    case SAMPLE_METHOD_HELLO:
        return "hello";
    case SAMPLE_METHOD_SWAP:
        return "swap";
    case SAMPLE_METHOD_TOTAL:
        return "total";
    case SAMPLE_METHOD_CHECKSUM:
        return "checksum";
    case SAMPLE_METHOD_FILL:
        return "fill";
    case SAMPLE_METHOD_CONVERT:
        return "convert";
    case SAMPLE_METHOD_WIDE:
        return "wide";
    case SAMPLE_METHOD_WAIT:
        return "wait";
    case SAMPLE_METHOD_WAKE:
        return "wake";
    case SAMPLE_METHOD_SLEEP:
        return "sleep";
    case SAMPLE_METHOD_READ_LATER:
        return "read_later";
    case SAMPLE_METHOD_WRONG:
        return "wrong";
    case SAMPLE_METHOD_OPEN:
        return "open";
    case SAMPLE_METHOD_COPY:
        return "copy";
    case SAMPLE_METHOD_SOON:
        return "soon";
    case SAMPLE_METHOD_READ_SOON:
        return "read_soon";
    case SAMPLE_METHOD_DRAW:
        return "draw";
    case SAMPLE_METHOD_POST:
        return "post";
    case SAMPLE_METHOD_LABEL:
        return "label";
    case SAMPLE_METHOD_NOTE:
        return "note";
    case SAMPLE_METHOD_STOP:
        return "stop";
    default:
        return NULL;
    }
}

/* NOLINTBEGIN(bugprone-branch-clone): a case a method, alike or not */
static void show_request(struct trace_text *t, uint16_t method, const struct trace_message *m)
{
    (void)t, (void)m;
    switch (method) {
    case SAMPLE_METHOD_SUM:
        trace_unsigned(t, "a", m->word[0]);
        trace_unsigned(t, "b", m->word[1]);
        trace_unsigned(t, "c", m->word[2]);
        trace_unsigned(t, "d", m->word[3]);
        break;
    case SAMPLE_METHOD_CALC:
        trace_unsigned(t, "a", (uint8_t)m->word[0]);
        trace_unsigned(t, "what", (uint8_t)(m->word[0] >> 8));
        trace_signed(t, "b", (int16_t)(m->word[0] >> 16));
        trace_unsigned(t, "negate", ((m->word[0] >> 32) & 0xff) != 0);
        trace_unsigned(t, "how", (uint32_t)m->word[1]);
        break;
    case SAMPLE_METHOD_HELLO:
        trace_string(t, "name", m, &m->word[1], false);
        trace_unsigned(t, "repeat", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_SWAP:
        show_point(t, "p", &m->word[0]);
        show_shape(t, "s", trace_fixed(m, 0, 32));
        break;
    case SAMPLE_METHOD_TOTAL:
        trace_array(t, "numbers", m, &m->word[0], 4, trace_u32);
        trace_array(t, "points", m, &m->word[1], 8, show_point);
        break;
    case SAMPLE_METHOD_CHECKSUM:
        trace_bytes(t, "data", &m->word[1], false);
        trace_unsigned(t, "seed", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_FILL:
        trace_bytes(t, "data", &m->word[1], false);
        trace_unsigned(t, "with", (uint8_t)m->word[0]);
        break;
    case SAMPLE_METHOD_CONVERT:
        trace_string(t, "from", m, &m->word[0], false);
        trace_string(t, "to", m, &m->word[2], false);
        trace_bytes(t, "key", &m->word[4], true);
        trace_bytes(t, "data", trace_fixed(m, 0, 16), false);
        trace_bytes(t, "result", trace_fixed(m, 16, 16), false);
        show_shape(t, "s", trace_fixed(m, 32, 32));
        break;
    case SAMPLE_METHOD_WIDE:
        trace_unsigned(t, "a", m->word[0]);
        trace_unsigned(t, "b", (uint8_t)m->word[1]);
        trace_unsigned(t, "c", m->word[2]);
        trace_unsigned(t, "d", m->word[3]);
        trace_unsigned(t, "e", m->word[4]);
        trace_unsigned(t, "f", m->word[5]);
        trace_u16(t, "g", trace_fixed(m, 0, 2));
        trace_bool(t, "h", trace_fixed(m, 2, 1));
        trace_i64(t, "i", trace_fixed(m, 8, 8));
        break;
    case SAMPLE_METHOD_WAIT:
        trace_unsigned(t, "key", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_WAKE:
        trace_unsigned(t, "key", (uint32_t)m->word[0]);
        trace_unsigned(t, "value", (uint32_t)(m->word[0] >> 32));
        break;
    case SAMPLE_METHOD_SLEEP:
        trace_unsigned(t, "ticks", m->word[0]);
        trace_string(t, "note", m, &m->word[1], false);
        break;
    case SAMPLE_METHOD_READ_LATER:
        trace_unsigned(t, "key", (uint32_t)m->word[0]);
        trace_bytes(t, "data", &m->word[1], false);
        break;
    case SAMPLE_METHOD_OPEN:
        trace_unsigned(t, "which", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_COPY:
        trace_unsigned(t, "from", (uint32_t)m->word[0]);
        trace_unsigned(t, "to", (uint32_t)(m->word[0] >> 32));
        trace_unsigned(t, "bytes", (uint32_t)m->word[1]);
        break;
    case SAMPLE_METHOD_SOON:
        trace_unsigned(t, "key", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_READ_SOON:
        trace_unsigned(t, "key", (uint32_t)m->word[0]);
        trace_bytes(t, "data", &m->word[1], false);
        break;
    case SAMPLE_METHOD_DRAW:
        show_figure(t, "what", &m->word[0]);
        show_word(t, "more", trace_fixed(m, 0, 40));
        break;
    case SAMPLE_METHOD_POST:
        trace_unsigned(t, "key", (uint32_t)m->word[0]);
        trace_bytes(t, "data", &m->word[1], false);
        break;
    case SAMPLE_METHOD_LABEL:
        trace_bytes(t, "before", &m->word[0], true);
        trace_bytes(t, "data", &m->word[1], false);
        trace_string(t, "note", m, &m->word[3], false);
        break;
    case SAMPLE_METHOD_NOTE:
        trace_unsigned(t, "a", m->word[0]);
        trace_unsigned(t, "b", (uint32_t)m->word[1]);
        show_point(t, "p", &m->word[2]);
        break;
    default:
        break;
    }
}

static void show_answer(struct trace_text *t, uint16_t method, const struct trace_message *m)
{
    (void)t, (void)m;
    switch (method) {
    case SAMPLE_METHOD_SUM:
        trace_unsigned(t, "total", m->word[0]);
        break;
    case SAMPLE_METHOD_CALC:
        trace_signed(t, "value", (int64_t)m->word[0]);
        trace_unsigned(t, "odd", (m->word[1] & 0xff) != 0);
        break;
    case SAMPLE_METHOD_HELLO:
        trace_string(t, "text", m, &m->word[1], true);
        trace_unsigned(t, "bytes", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_SWAP:
        show_shape(t, "s", trace_fixed(m, 0, 32));
        show_point(t, "p", &m->word[0]);
        break;
    case SAMPLE_METHOD_TOTAL:
        trace_unsigned(t, "sum", m->word[0]);
        trace_array(t, "doubled", m, &m->word[1], 8, show_point);
        break;
    case SAMPLE_METHOD_CHECKSUM:
        trace_unsigned(t, "sum", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_FILL:
        trace_unsigned(t, "done", m->word[0]);
        break;
    case SAMPLE_METHOD_CONVERT:
        trace_unsigned(t, "result_done", (uint32_t)m->word[0]);
        show_shape(t, "s", trace_fixed(m, 0, 32));
        break;
    case SAMPLE_METHOD_WIDE:
        trace_unsigned(t, "r0", m->word[0]);
        trace_unsigned(t, "r1", m->word[1]);
        trace_unsigned(t, "r2", m->word[2]);
        trace_unsigned(t, "r3", m->word[3]);
        trace_unsigned(t, "r4", m->word[4]);
        trace_unsigned(t, "r5", m->word[5]);
        trace_i16(t, "r6", trace_fixed(m, 0, 2));
        trace_bool(t, "r7", trace_fixed(m, 2, 1));
        break;
    case SAMPLE_METHOD_WAIT:
        trace_unsigned(t, "value", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_WAKE:
        trace_unsigned(t, "woken", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_SLEEP:
        trace_unsigned(t, "note_bytes", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_READ_LATER:
        trace_unsigned(t, "done", m->word[0]);
        break;
    case SAMPLE_METHOD_OPEN:
        trace_unsigned(t, "file", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_COPY:
        trace_unsigned(t, "size", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_SOON:
        trace_unsigned(t, "value", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_READ_SOON:
        trace_unsigned(t, "done", m->word[0]);
        break;
    case SAMPLE_METHOD_DRAW:
        show_figure(t, "last", &m->word[0]);
        show_word(t, "sum", trace_fixed(m, 0, 40));
        break;
    case SAMPLE_METHOD_POST:
        trace_unsigned(t, "sum", (uint32_t)m->word[0]);
        break;
    case SAMPLE_METHOD_LABEL:
        trace_unsigned(t, "sum", (uint32_t)m->word[0]);
        break;
    default:
        break;
    }
}

/* NOLINTEND(bugprone-branch-clone) */

const struct trace_interface sample_trace = {
    .name = "sample",
    .method_name = method_name,
    .show_request = show_request,
    .show_answer = show_answer,
};
