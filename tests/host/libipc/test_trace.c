/* SPDX-License-Identifier: MIT */
/* build: libipc/src/trace_text.c tests/idl/golden/sample_trace.c;
 * include: libipc/include microkernel/abi tests/idl/golden */
/* The text of requests and answers: generated decoders, and pieces that a hostile client describes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libipc/client.h>
#include <libipc/trace.h>
#include <sample_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct trace_interface sample_trace;

static _Alignas(8) uint8_t arena[ARENA_SLOT_BYTES];
static uint64_t word[6];
static struct trace_message message = { .word = word };
static char text[400];

static const char *decode(void (*show)(struct trace_text *, uint16_t, const struct trace_message *), uint16_t method, size_t room)
{
    struct trace_text t = { .text = text, .bytes = room };

    text[0] = 0;
    show(&t, method, &message);
    assert_int_equal(strlen(text), t.used);
    return text;
}

static const char *request(uint16_t method) { return decode(sample_trace.show_request, method, sizeof text); }
static const char *answer(uint16_t method) { return decode(sample_trace.show_answer, method, sizeof text); }

static void in_arena(uint32_t bytes)
{
    message.arena = bytes ? arena : NULL;
    message.arena_bytes = bytes;
}

/* sample.hello with a string as its descriptor says. */
static const char *hello(uint64_t at, uint32_t bytes, uint32_t place)
{
    struct rpc_ref ref = { at, bytes, place };

    word[0] = 7;
    memcpy(&word[1], &ref, sizeof ref);
    return request(SAMPLE_METHOD_HELLO);
}

static void strings_of_the_arena_are_shown(void **state)
{
    char shown[64];

    (void)state;
    in_arena(128);
    memcpy(arena + 8, "/etc/motd\0a\n\"\xff\tb", 16);
    assert_string_equal(hello(8, 9, RPC_PLACE_ARENA), "name=\"/etc/motd\", repeat=7");
    assert_string_equal(hello(8, 0, RPC_PLACE_ARENA), "name=\"\", repeat=7");
    assert_string_equal(hello(8, 16, RPC_PLACE_ARENA), "name=\"/etc/motd?a????b\", repeat=7");
    memset(arena + 8, 'x', 100);
    assert_string_equal(hello(8, 40, RPC_PLACE_ARENA),
                        "name=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", repeat=7");
    snprintf(shown, sizeof shown, "\"%.40s\"..", (char *)arena + 8);
    assert_non_null(strstr(hello(8, 41, RPC_PLACE_ARENA), shown));
    assert_non_null(strstr(hello(8, 100, RPC_PLACE_ARENA), shown));
}

static void strings_that_are_elsewhere_are_counted(void **state)
{
    static const uint64_t bad[][2] = { { 0, 129 }, { 128, 1 }, { 129, 0 }, { UINT64_MAX, 2 }, { 1, UINT32_MAX } };
    char counted[64];

    (void)state;
    in_arena(128);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(counted, sizeof counted, "name=[%u bytes], repeat=7", (uint32_t)bad[i][1]);
        assert_string_equal(hello(bad[i][0], (uint32_t)bad[i][1], RPC_PLACE_ARENA), counted);
    }
    assert_string_equal(hello(8, 5, RPC_PLACE_CLIENT), "name=[5 bytes], repeat=7");
    in_arena(0);
    assert_string_equal(hello(8, 5, RPC_PLACE_ARENA), "name=[5 bytes], repeat=7");
}

static void structs_are_shown_with_their_fields(void **state)
{
    const struct sample_shape shape = { { { 1, -2 }, { 3, INT32_MIN } }, UINT64_MAX, 4, 1, { 5, 6, 7 } };
    const struct sample_point point = { -9, 10 };

    (void)state;
    in_arena(sizeof shape);
    memcpy(word, &point, sizeof point);
    memcpy(arena, &shape, sizeof shape);
    assert_string_equal(request(SAMPLE_METHOD_SWAP), "p={x=-9, y=10}, s={corner=[{x=1, y=-2}, {x=3, y=-2147483648}], "
                        "id=18446744073709551615, color=4, filled=1, reserved=[5, 6, 7]}");
    assert_string_equal(answer(SAMPLE_METHOD_SWAP) + strlen(text) - strlen(", p={x=-9, y=10}"), ", p={x=-9, y=10}");
    in_arena(sizeof shape - 1);         /* the client brought too little */
    assert_string_equal(request(SAMPLE_METHOD_SWAP), "p={x=-9, y=10}, s=...");
    in_arena(0);
    assert_string_equal(request(SAMPLE_METHOD_SWAP), "p={x=-9, y=10}, s=...");
}

static void variants_are_shown_by_their_cases_name(void **state)
{
    struct sample_figure figure = { .tag = SAMPLE_FIGURE_DOT, .dot = { 1, 2 } };
    const struct sample_word number = { .tag = SAMPLE_WORD_NUMBER, .number = 77 };

    (void)state;
    in_arena(sizeof number);
    memcpy(arena, &number, sizeof number);
    memcpy(word, &figure, sizeof figure);
    assert_string_equal(request(SAMPLE_METHOD_DRAW), "what={dot={x=1, y=2}}, more={number=77}");
    figure = (struct sample_figure){ .tag = SAMPLE_FIGURE_COLOR, .color = { 1, 2, 65535 } };
    memcpy(word, &figure, sizeof figure);
    assert_string_equal(answer(SAMPLE_METHOD_DRAW), "last={color=[1, 2, 65535]}, sum={number=77}");
    figure = (struct sample_figure){ .tag = SAMPLE_FIGURE_NOTHING };
    memcpy(word, &figure, sizeof figure);
    assert_string_equal(request(SAMPLE_METHOD_DRAW), "what={nothing}, more={number=77}");
    figure.tag = 200;                   /* decoded before it is refused */
    memcpy(word, &figure, sizeof figure);
    assert_string_equal(request(SAMPLE_METHOD_DRAW), "what={tag=200}, more={number=77}");
}

/* sample.total with arrays as their descriptors say: `at`, `count` of the numbers, then of the points. */
static const char *total(uint32_t at, uint32_t count, uint32_t points_at, uint32_t points)
{
    const struct rpc_pair pair[2] = { { at, count }, { points_at, points } };

    memcpy(word, pair, sizeof pair);
    return request(SAMPLE_METHOD_TOTAL);
}

static void arrays_are_shown_as_far_as_they_are_there(void **state)
{
    const uint32_t numbers[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    const struct sample_point point = { 3, -4 };

    (void)state;
    in_arena(64);
    memcpy(arena, numbers, sizeof numbers);
    memcpy(arena + 40, &point, sizeof point);
    assert_string_equal(total(0, 3, 40, 1), "numbers=[1, 2, 3], points=[{x=3, y=-4}]");
    assert_string_equal(total(0, 0, 0, 0), "numbers=[], points=[]");
    assert_string_equal(total(0, 8, 0, 0), "numbers=[1, 2, 3, 4, 5, 6, 7, 8], points=[]");
    assert_string_equal(total(0, 9, 0, 0), "numbers=[1, 2, 3, 4, 5, 6, 7, 8, .. 9 in all], points=[]");
    assert_string_equal(total(32, 9, 64, 1), "numbers=[9], points=[1]");
    assert_string_equal(total(UINT32_MAX, 1, UINT32_MAX, UINT32_MAX), "numbers=[1], points=[4294967295]");
    in_arena(0);
    assert_string_equal(total(0, 3, 40, 1), "numbers=[3], points=[1]");
}

static void scalars_and_descriptors_of_the_arena_are_shown(void **state)
{
    const struct rpc_ref data = { 0x5000, 70000, RPC_PLACE_CLIENT };
    const struct rpc_pair result = { 8, 2 };

    (void)state;
    in_arena(64);
    memset(word, 0, sizeof word);
    memset(arena, 0, sizeof arena);
    arena[0] = 5, arena[2] = 1, arena[8] = 0xfe;
    memset(arena + 9, 0xff, 7);
    assert_string_equal(request(SAMPLE_METHOD_WIDE), "a=0, b=0, c=0, d=0, e=0, f=0, g=5, h=1, i=-2");
    memcpy(arena, &data, sizeof data);
    assert_non_null(strstr(request(SAMPLE_METHOD_CONVERT), "data=[70000 bytes], result=[0 bytes], s={"));
    memcpy(arena + 8, "hi", 2);
    memcpy(&word[1], &result, sizeof result);
    assert_string_equal(answer(SAMPLE_METHOD_HELLO), "text=\"hi\", bytes=0");
    in_arena(0);
    assert_string_equal(request(SAMPLE_METHOD_WIDE) + strlen("a=0, b=0, c=0, d=0, e=0, f=0, "), "g=..., h=..., i=...");
    assert_string_equal(answer(SAMPLE_METHOD_HELLO), "text=[2 bytes], bytes=0");
    assert_string_equal(request(SAMPLE_METHOD_STOP), "");
    assert_string_equal(request(9999), "");
    assert_null(sample_trace.method_name(9999));
    assert_string_equal(sample_trace.method_name(SAMPLE_METHOD_STOP), "stop");
}

static void what_does_not_fit_is_cut_off(void **state)
{
    char whole[sizeof text];

    (void)state;
    in_arena(64);
    memset(word, 0, sizeof word);
    strcpy(whole, request(SAMPLE_METHOD_SWAP));
    for (size_t room = 3; room <= strlen(whole) + 1; room++) {
        memset(text, '#', sizeof text);
        decode(sample_trace.show_request, SAMPLE_METHOD_SWAP, room);
        assert_int_equal(text[room], '#');
        if (room > strlen(whole)) {
            assert_string_equal(text, whole);
        } else {
            assert_int_equal(strlen(text), room - 1);
            assert_memory_equal(text, whole, room - 3);
            assert_string_equal(text + room - 3, "..");
        }
    }
}

/* An entry may hold anything when it is decoded: nothing is read outside the arena that came, nothing written outside the text. */
static void any_bytes_are_decoded_within_their_message(void **state)
{
    static const size_t rooms[] = { 3, 17, 64, sizeof text };
    unsigned shown = 0;

    (void)state;
    srand(4);
    for (unsigned n = 0; n < 200000; n++) {
        uint32_t bytes = rand() % 4 ? (uint32_t)rand() % (ARENA_SLOT_BYTES + 1) : 0;
        uint8_t *exact = malloc(bytes);
        uint32_t small = rand() % 3 ? 0x3f : 0xffffffff;      /* descriptors are mostly near what is there */

        for (uint32_t i = 0; i < bytes; i++)
            exact[i] = (uint8_t)rand();
        for (unsigned i = 0; i < 6; i++)
            word[i] = ((uint64_t)rand() << 32 | (uint32_t)rand()) & ((uint64_t)small << 32 | small);
        message.arena = bytes ? exact : NULL;
        message.arena_bytes = bytes;
        decode(n & 1 ? sample_trace.show_request : sample_trace.show_answer, (uint16_t)(rand() % 45), rooms[rand() % 4]);
        shown += text[0] != 0;
        free(exact);
    }
    assert_in_range(shown, 50000, 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_the_arena_are_shown),
        cmocka_unit_test(strings_that_are_elsewhere_are_counted),
        cmocka_unit_test(structs_are_shown_with_their_fields),
        cmocka_unit_test(variants_are_shown_by_their_cases_name),
        cmocka_unit_test(arrays_are_shown_as_far_as_they_are_there),
        cmocka_unit_test(scalars_and_descriptors_of_the_arena_are_shown),
        cmocka_unit_test(what_does_not_fit_is_cut_off),
        cmocka_unit_test(any_bytes_are_decoded_within_their_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
