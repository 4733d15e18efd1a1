/* SPDX-License-Identifier: MIT */
/* build: libipc/src/server_trace.c tests/idl/golden/sample_trace.c;
 * include: libipc/include microkernel/abi tests/idl/golden */
/* The text of requests: generated decoders, and strings that a hostile client describes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libipc/client.h>
#include <libipc/syscall.h>
#include <libipc/trace.h>
#include <sample_types.h>
#include <stdio.h>
#include <string.h>

extern const struct trace_interface sample_trace;

error_t host_syscall(uint64_t nr, uint64_t arg[7]) { (void)nr, (void)arg; return 0; }

static uint8_t arena[ARENA_SLOT_BYTES];
static struct sq_entry entry;
static char text[200];

/* sample.hello with a string as its descriptor says. */
static const char *hello(uint64_t at, uint32_t bytes, uint32_t place, const uint8_t *copy)
{
    struct rpc_ref ref = { at, bytes, place };

    memcpy(&entry.word[1], &ref, sizeof ref);
    sample_trace.show_request(text, sizeof text, &entry, copy);
    return text;
}

static void strings_of_the_arena_are_shown(void **state)
{
    char shown[64];

    (void)state;
    entry = (struct sq_entry){ .method = SAMPLE_METHOD_HELLO, .arena_slot = 3, .arena_bytes = 128, .word[0] = 7 };
    memcpy(arena + 8, "/etc/motd\0a\n\"\xff\tb", 16);
    assert_string_equal(hello(8, 9, RPC_PLACE_ARENA, arena), "sample.hello(name=\"/etc/motd\", repeat=7");
    assert_string_equal(hello(8, 0, RPC_PLACE_ARENA, arena), "sample.hello(name=\"\", repeat=7");
    assert_string_equal(hello(8, 16, RPC_PLACE_ARENA, arena), "sample.hello(name=\"/etc/motd?a????b\", repeat=7");
    memset(arena + 8, 'x', 100);
    assert_string_equal(hello(8, 40, RPC_PLACE_ARENA, arena),
                        "sample.hello(name=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", repeat=7");
    snprintf(shown, sizeof shown, "\"%.40s\"..", (char *)arena + 8);
    assert_non_null(strstr(hello(8, 41, RPC_PLACE_ARENA, arena), shown));
    assert_non_null(strstr(hello(8, 100, RPC_PLACE_ARENA, arena), shown));
}

static void strings_that_are_elsewhere_are_counted(void **state)
{
    static const uint64_t bad[][2] = { { 0, 129 }, { 128, 1 }, { 129, 0 }, { UINT64_MAX, 2 }, { 1, UINT32_MAX } };
    char counted[64];

    (void)state;
    entry = (struct sq_entry){ .method = SAMPLE_METHOD_HELLO, .arena_slot = 3, .arena_bytes = 128, .word[0] = 7 };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(counted, sizeof counted, "sample.hello(name=[%u bytes], repeat=7", (uint32_t)bad[i][1]);
        assert_string_equal(hello(bad[i][0], (uint32_t)bad[i][1], RPC_PLACE_ARENA, arena), counted);
    }
    assert_string_equal(hello(8, 5, RPC_PLACE_CLIENT, arena), "sample.hello(name=[5 bytes], repeat=7");
    assert_string_equal(hello(8, 5, RPC_PLACE_ARENA, NULL), "sample.hello(name=[5 bytes], repeat=7");
    entry.arena_slot = ARENA_NONE;
    assert_string_equal(hello(8, 5, RPC_PLACE_ARENA, arena), "sample.hello(name=[5 bytes], repeat=7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_the_arena_are_shown), cmocka_unit_test(strings_that_are_elsewhere_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
