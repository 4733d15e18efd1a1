/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Text of interface sample's entries, for traces. */
#include <libipc/trace.h>
#include <sample_types.h>
#include <stdio.h>

/* NOLINTBEGIN(bugprone-branch-clone): a case a method, alike or not */
static int show_request(char *text, size_t bytes, const struct sq_entry *e, const uint8_t *arena)
{
    (void)arena;
    switch (e->method) {
    case SAMPLE_METHOD_SUM:
        return snprintf(text, bytes, "sample.sum(a=%llu, b=%llu, c=%llu, d=%llu",
                        (unsigned long long)(e->word[0]),
                        (unsigned long long)(e->word[1]),
                        (unsigned long long)(e->word[2]),
                        (unsigned long long)(e->word[3]));
    case SAMPLE_METHOD_CALC:
        return snprintf(text, bytes, "sample.calc(a=%llu, what=%llu, b=%lld, negate=%llu, how=%llu",
                        (unsigned long long)((uint8_t)e->word[0]),
                        (unsigned long long)((uint8_t)(e->word[0] >> 8)),
                        (long long)((int16_t)(e->word[0] >> 16)),
                        (unsigned long long)(((e->word[0] >> 32) & 0xff) != 0),
                        (unsigned long long)((uint32_t)e->word[1]));
    case SAMPLE_METHOD_HELLO:
        return snprintf(text, bytes, "sample.hello(name=%s, repeat=%llu",
                        trace_string(e, arena, &e->word[1], (char[TRACE_STRING_BYTES]){ 0 }),
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_SWAP:
        return snprintf(text, bytes, "sample.swap(p=..., s=...");
    case SAMPLE_METHOD_TOTAL:
        return snprintf(text, bytes, "sample.total(numbers=[%u], points=[%u]",
                        (uint32_t)(e->word[0] >> 32),
                        (uint32_t)(e->word[1] >> 32));
    case SAMPLE_METHOD_CHECKSUM:
        return snprintf(text, bytes, "sample.checksum(data=[%llu bytes], seed=%llu",
                        (unsigned long long)(uint32_t)e->word[2],
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_FILL:
        return snprintf(text, bytes, "sample.fill(data=[%llu bytes], with=%llu",
                        (unsigned long long)(uint32_t)e->word[2],
                        (unsigned long long)((uint8_t)e->word[0]));
    case SAMPLE_METHOD_CONVERT:
        return snprintf(text, bytes, "sample.convert(from=%s, to=%s, key=[%u bytes], data=..., result=..., s=...",
                        trace_string(e, arena, &e->word[0], (char[TRACE_STRING_BYTES]){ 0 }),
                        trace_string(e, arena, &e->word[2], (char[TRACE_STRING_BYTES]){ 0 }),
                        (uint32_t)(e->word[4] >> 32));
    case SAMPLE_METHOD_WIDE:
        return snprintf(text, bytes, "sample.wide(a=%llu, b=%llu, c=%llu, d=%llu, e=%llu, f=%llu, g=..., h=..., i=...",
                        (unsigned long long)(e->word[0]),
                        (unsigned long long)((uint8_t)e->word[1]),
                        (unsigned long long)(e->word[2]),
                        (unsigned long long)(e->word[3]),
                        (unsigned long long)(e->word[4]),
                        (unsigned long long)(e->word[5]));
    case SAMPLE_METHOD_WAIT:
        return snprintf(text, bytes, "sample.wait(key=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_WAKE:
        return snprintf(text, bytes, "sample.wake(key=%llu, value=%llu",
                        (unsigned long long)((uint32_t)e->word[0]),
                        (unsigned long long)((uint32_t)(e->word[0] >> 32)));
    case SAMPLE_METHOD_SLEEP:
        return snprintf(text, bytes, "sample.sleep(ticks=%llu, note=%s",
                        (unsigned long long)(e->word[0]),
                        trace_string(e, arena, &e->word[1], (char[TRACE_STRING_BYTES]){ 0 }));
    case SAMPLE_METHOD_READ_LATER:
        return snprintf(text, bytes, "sample.read_later(key=%llu, data=[%llu bytes]",
                        (unsigned long long)((uint32_t)e->word[0]),
                        (unsigned long long)(uint32_t)e->word[2]);
    case SAMPLE_METHOD_WRONG:
        return snprintf(text, bytes, "sample.wrong(");
    case SAMPLE_METHOD_OPEN:
        return snprintf(text, bytes, "sample.open(which=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_COPY:
        return snprintf(text, bytes, "sample.copy(from=%llu, to=%llu, bytes=%llu",
                        (unsigned long long)((uint32_t)e->word[0]),
                        (unsigned long long)((uint32_t)(e->word[0] >> 32)),
                        (unsigned long long)((uint32_t)e->word[1]));
    case SAMPLE_METHOD_SOON:
        return snprintf(text, bytes, "sample.soon(key=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_READ_SOON:
        return snprintf(text, bytes, "sample.read_soon(key=%llu, data=[%llu bytes]",
                        (unsigned long long)((uint32_t)e->word[0]),
                        (unsigned long long)(uint32_t)e->word[2]);
    case SAMPLE_METHOD_DRAW:
        return snprintf(text, bytes, "sample.draw(what=[tag %llu], more=...",
                        (unsigned long long)(uint8_t)e->word[0]);
    case SAMPLE_METHOD_POST:
        return snprintf(text, bytes, "sample.post(key=%llu, data=[%llu bytes]",
                        (unsigned long long)((uint32_t)e->word[0]),
                        (unsigned long long)(uint32_t)e->word[2]);
    case SAMPLE_METHOD_LABEL:
        return snprintf(text, bytes, "sample.label(before=[%u bytes], data=[%llu bytes], note=%s",
                        (uint32_t)(e->word[0] >> 32),
                        (unsigned long long)(uint32_t)e->word[2],
                        trace_string(e, arena, &e->word[3], (char[TRACE_STRING_BYTES]){ 0 }));
    case SAMPLE_METHOD_NOTE:
        return snprintf(text, bytes, "sample.note(a=%llu, b=%llu, p=...",
                        (unsigned long long)(e->word[0]),
                        (unsigned long long)((uint32_t)e->word[1]));
    case SAMPLE_METHOD_STOP:
        return snprintf(text, bytes, "sample.stop(");
    default:
        return snprintf(text, bytes, "sample.%u(", e->method);
    }
}

static int show_answer(char *text, size_t bytes, uint16_t method, const struct cq_entry *e)
{
    switch (method) {
    case SAMPLE_METHOD_SUM:
        return snprintf(text, bytes, "total=%llu",
                        (unsigned long long)(e->word[0]));
    case SAMPLE_METHOD_CALC:
        return snprintf(text, bytes, "value=%lld, odd=%llu",
                        (long long)((int64_t)e->word[0]),
                        (unsigned long long)((e->word[1] & 0xff) != 0));
    case SAMPLE_METHOD_HELLO:
        return snprintf(text, bytes, "text=[%u bytes], bytes=%llu",
                        (uint32_t)(e->word[1] >> 32),
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_SWAP:
        return snprintf(text, bytes, "s=..., p=...");
    case SAMPLE_METHOD_TOTAL:
        return snprintf(text, bytes, "sum=%llu, doubled=[%u]",
                        (unsigned long long)(e->word[0]),
                        (uint32_t)(e->word[1] >> 32));
    case SAMPLE_METHOD_CHECKSUM:
        return snprintf(text, bytes, "sum=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_FILL:
        return snprintf(text, bytes, "done=%llu",
                        (unsigned long long)(e->word[0]));
    case SAMPLE_METHOD_CONVERT:
        return snprintf(text, bytes, "result_done=%llu, s=...",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_WIDE:
        return snprintf(text, bytes, "r0=%llu, r1=%llu, r2=%llu, r3=%llu, r4=%llu, r5=%llu, r6=..., r7=...",
                        (unsigned long long)(e->word[0]),
                        (unsigned long long)(e->word[1]),
                        (unsigned long long)(e->word[2]),
                        (unsigned long long)(e->word[3]),
                        (unsigned long long)(e->word[4]),
                        (unsigned long long)(e->word[5]));
    case SAMPLE_METHOD_WAIT:
        return snprintf(text, bytes, "value=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_WAKE:
        return snprintf(text, bytes, "woken=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_SLEEP:
        return snprintf(text, bytes, "note_bytes=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_READ_LATER:
        return snprintf(text, bytes, "done=%llu",
                        (unsigned long long)(e->word[0]));
    case SAMPLE_METHOD_OPEN:
        return snprintf(text, bytes, "file=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_COPY:
        return snprintf(text, bytes, "size=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_SOON:
        return snprintf(text, bytes, "value=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_READ_SOON:
        return snprintf(text, bytes, "done=%llu",
                        (unsigned long long)(e->word[0]));
    case SAMPLE_METHOD_DRAW:
        return snprintf(text, bytes, "last=[tag %llu], sum=...",
                        (unsigned long long)(uint8_t)e->word[0]);
    case SAMPLE_METHOD_POST:
        return snprintf(text, bytes, "sum=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    case SAMPLE_METHOD_LABEL:
        return snprintf(text, bytes, "sum=%llu",
                        (unsigned long long)((uint32_t)e->word[0]));
    default:
        (void)e;
        return snprintf(text, bytes, "%s", "");
    }
}

/* NOLINTEND(bugprone-branch-clone) */

const struct trace_interface sample_trace = {
    .name = "sample",
    .show_request = show_request,
    .show_answer = show_answer,
};
