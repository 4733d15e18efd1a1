/* SPDX-License-Identifier: MIT */
/* build: servers/fs/tty/ldisc.c servers/fs/tty/ldisc_output.c;
 * include: servers/fs microkernel/abi */
/* The line discipline: what is typed, what is echoed, what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tty/ldisc.h"

static struct ldisc ld;
static struct byte_ring out;
static uint8_t out_data[8192];
static int last_signal, nr_signals;
static unsigned nr_flushes;
static uint8_t sent_char;

static void on_signal(struct ldisc *l, int signo) { (void)l; last_signal = signo; nr_signals++; }
static void on_flow(struct ldisc *l, bool stopped) { (void)l; (void)stopped; }
static void on_flushed(struct ldisc *l, unsigned what) { (void)l; (void)what; nr_flushes++; }
static void on_send(struct ldisc *l, uint8_t c) { (void)l; sent_char = c; }
static const struct ldisc_ops ops = { on_signal, on_flow, on_flushed, on_send };

static int setup(void **state)
{
    (void)state;
    out = (struct byte_ring){ .data = out_data, .bytes = sizeof(out_data) };
    ldisc_init(&ld, &out, &ops);
    last_signal = nr_signals = 0;
    nr_flushes = 0;
    sent_char = 0;
    return 0;
}

static void type(const char *text)
{
    ldisc_receive(&ld, (const uint8_t *)text, strlen(text));
}

static void expect_screen(const char *text)
{
    char got[sizeof(out_data) + 1];
    uint32_t n = byte_ring_get(&out, (uint8_t *)got, sizeof(out_data));
    got[n] = '\0';
    assert_string_equal(got, text);
}

static void expect_read(const char *text)
{
    char got[LDISC_BUF_BYTES + 1];
    bool any;
    size_t n = ldisc_read(&ld, (uint8_t *)got, LDISC_BUF_BYTES, &any);
    assert_true(any);
    got[n] = '\0';
    assert_string_equal(got, text);
}

static void expect_nothing(void)
{
    uint8_t c;
    bool any;
    assert_int_equal(ldisc_read(&ld, &c, 1, &any), 0);
    assert_false(any);
}

static void set(uint32_t iflag, uint32_t oflag, uint32_t lflag)
{
    struct tty_termios t = ld.termios;
    t.iflag = iflag;
    t.oflag = oflag;
    t.lflag = lflag;
    ldisc_set_termios(&ld, &t);
}

#define COOKED_I (ICRNL | IXON)
#define COOKED_O (OPOST | ONLCR)
#define COOKED_L (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)

static void a_line_is_read_only_when_it_is_finished(void **state)
{
    (void)state;
    type("abc");
    expect_nothing();
    type("\r");
    expect_screen("abc\r\n");
    expect_read("abc\n");
    expect_nothing();
}

static void each_read_takes_one_line(void **state)
{
    (void)state;
    type("one\ntwo\n");
    expect_read("one\n");
    expect_read("two\n");
    expect_nothing();
}

static void a_short_read_leaves_the_rest_of_the_line(void **state)
{
    uint8_t got[3];
    bool any;
    (void)state;
    type("abcdef\n");
    assert_int_equal(ldisc_read(&ld, got, 3, &any), 3);
    assert_memory_equal(got, "abc", 3);
    expect_read("def\n");
}

static void erase_removes_one_character_from_line_and_screen(void **state)
{
    (void)state;
    type("abx\177c\n");
    expect_screen("abx\b \bc\r\n");
    expect_read("abc\n");
}

static void erase_stops_at_the_start_of_the_line(void **state)
{
    (void)state;
    type("a\177\177\177b\n");
    expect_screen("a\b \bb\r\n");
    expect_read("b\n");
}

static void erase_does_not_reach_into_a_finished_line(void **state)
{
    (void)state;
    type("ab\n\177\177");
    expect_read("ab\n");
}

static void a_control_character_takes_two_columns(void **state)
{
    (void)state;
    type("a\001\177\n");
    expect_screen("a^A\b \b\b \b\r\n");
    expect_read("a\n");
}

static void erasing_a_tab_goes_back_to_where_it_began(void **state)
{
    (void)state;
    type("ab\t\177");
    expect_screen("ab\t\b\b\b\b\b\b");
    type("\tc\177\177");
    expect_screen("\tc\b \b\b\b\b\b\b\b");
}

static void erasing_a_tab_counts_from_the_prompt(void **state)
{
    (void)state;
    ldisc_write(&ld, (const uint8_t *)"$ ", 2);
    type("a\t\177");
    expect_screen("$ a\t\b\b\b\b\b");
}

static void utf8_characters_are_erased_whole(void **state)
{
    (void)state;
    set(COOKED_I | IUTF8, COOKED_O, COOKED_L);
    type("a\303\244\177\342\202\254\177b\n");
    expect_read("ab\n");
    expect_screen("a\303\244\b \b\342\202\254\b \bb\r\n");
}

static void word_erase_takes_the_blanks_behind_the_word(void **state)
{
    (void)state;
    type("foo bar  \027\n");
    expect_read("foo \n");
}

static void kill_empties_the_line(void **state)
{
    (void)state;
    type("abc\025x\n");
    expect_screen("abc\b \b\b \b\b \bx\r\n");
    expect_read("x\n");
}

static void kill_without_echoke_starts_a_new_line(void **state)
{
    (void)state;
    set(COOKED_I, COOKED_O, COOKED_L & ~ECHOKE);
    type("abc\025x\n");
    expect_screen("abc^U\r\nx\r\n");
    expect_read("x\n");
}

static void echoprt_shows_what_is_erased(void **state)
{
    (void)state;
    set(COOKED_I, COOKED_O, COOKED_L | ECHOPRT);
    type("abc\177\177x\n");
    expect_screen("abc\\cb/x\r\n");
    expect_read("ax\n");
}

static void reprint_shows_the_line_again(void **state)
{
    (void)state;
    type("ab\022");
    expect_screen("ab^R\r\nab");
}

static void lnext_takes_the_next_character_literally(void **state)
{
    (void)state;
    type("a\026\003b\n");
    assert_int_equal(nr_signals, 0);
    expect_screen("a^\b^Cb\r\n");
    expect_read("a\003b\n");
}

static void eof_ends_the_input_without_being_read(void **state)
{
    (void)state;
    type("abc\004");
    expect_read("abc");
    expect_nothing();
    type("\004");
    expect_read("");
    expect_nothing();
}

static void eof_behind_exactly_what_was_asked_for_is_not_seen_twice(void **state)
{
    uint8_t got[3];
    bool any;
    (void)state;
    type("abc\004");
    assert_int_equal(ldisc_read(&ld, got, 3, &any), 3);
    expect_nothing();
}

static void eol_characters_end_a_line_and_stay_in_it(void **state)
{
    struct tty_termios t = ld.termios;
    (void)state;
    t.cc[VEOL] = ';';
    t.cc[VEOL2] = '!';
    ldisc_set_termios(&ld, &t);
    type("a;b!c\n");
    expect_read("a;");
    expect_read("b!");
    expect_read("c\n");
}

static void intr_signals_and_drops_what_was_typed(void **state)
{
    (void)state;
    type("abc\003");
    assert_int_equal(last_signal, 2);
    expect_screen("^C");
    type("x\n");
    expect_read("x\n");
}

static void noflsh_keeps_what_was_typed(void **state)
{
    (void)state;
    set(COOKED_I, COOKED_O, COOKED_L | NOFLSH);
    type("abc\034");
    assert_int_equal(last_signal, 3);
    type("\n");
    expect_read("abc\n");
}

static void susp_is_a_character_without_isig(void **state)
{
    (void)state;
    set(COOKED_I, COOKED_O, COOKED_L & ~ISIG);
    type("a\032\n");
    assert_int_equal(nr_signals, 0);
    expect_read("a\032\n");
}

static void disabled_characters_do_nothing_special(void **state)
{
    struct tty_termios t = ld.termios;
    uint8_t got[4];
    bool any;
    (void)state;
    t.cc[VINTR] = 0;
    ldisc_set_termios(&ld, &t);
    ldisc_receive(&ld, (const uint8_t *)"a\0b\n", 4);
    assert_int_equal(nr_signals, 0);
    assert_int_equal(ldisc_read(&ld, got, 4, &any), 4);
    assert_memory_equal(got, "a\0b\n", 4);
}

static void stop_and_start_are_not_read(void **state)
{
    (void)state;
    type("a\023");
    assert_true(ld.stopped);
    type("b\021c\n");
    assert_false(ld.stopped);
    expect_read("abc\n");
}

static void ixany_starts_with_any_character(void **state)
{
    (void)state;
    set(COOKED_I | IXANY, COOKED_O, COOKED_L);
    type("\023x");
    assert_false(ld.stopped);
    type("\n");
    expect_read("x\n");
}

static void a_stop_by_ioctl_is_not_ended_by_typing(void **state)
{
    (void)state;
    ldisc_stop(&ld, true);
    type("\021");
    assert_true(ld.stopped);
    ldisc_start(&ld, true);
    assert_false(ld.stopped);
}

static void cr_and_nl_are_mapped_as_asked(void **state)
{
    (void)state;
    set(INLCR, 0, 0);
    type("a\nb\r");
    expect_read("a\rb\r");
    set(IGNCR, 0, 0);
    type("a\rb\n");
    expect_read("ab\n");
    set(ICRNL, 0, 0);
    type("\r");
    expect_read("\n");
}

static void istrip_clears_the_eighth_bit(void **state)
{
    (void)state;
    set(ISTRIP, 0, 0);
    type("\341\342");
    expect_read("ab");
}

static void parmrk_doubles_0377(void **state)
{
    (void)state;
    set(PARMRK, 0, 0);
    type("\377");
    expect_read("\377\377");
    ldisc_receive_break(&ld);
    assert_int_equal(ldisc_input_bytes(&ld), 3);
}

static void a_break_interrupts_under_brkint(void **state)
{
    (void)state;
    set(COOKED_I | BRKINT, COOKED_O, COOKED_L);
    ldisc_receive_break(&ld);
    assert_int_equal(last_signal, 2);
}

static void raw_input_is_readable_at_once(void **state)
{
    (void)state;
    set(0, 0, 0);
    type("\003\004\177x");
    assert_int_equal(nr_signals, 0);
    assert_true(ldisc_readable(&ld, 4));
    assert_false(ldisc_readable(&ld, 5));
    expect_screen("");
    expect_read("\003\004\177x");
}

static void echonl_echoes_the_newline_alone(void **state)
{
    (void)state;
    set(COOKED_I, COOKED_O, (COOKED_L & ~ECHO) | ECHONL);
    type("secret\n");
    expect_screen("\r\n");
    expect_read("secret\n");
}

static void without_echo_nothing_is_shown(void **state)
{
    (void)state;
    set(COOKED_I, COOKED_O, COOKED_L & ~ECHO);
    type("secret\177\025x\n");
    expect_screen("");
    expect_read("x\n");
}

static void going_raw_gives_the_unfinished_line(void **state)
{
    (void)state;
    type("abc");
    set(0, 0, 0);
    expect_read("abc");
}

static void going_canonical_makes_a_line_of_what_is_there(void **state)
{
    (void)state;
    set(0, 0, 0);
    type("abc");
    set(COOKED_I, COOKED_O, COOKED_L);
    expect_read("abc");
    type("d\n");
    expect_read("d\n");
    type("\004");
    expect_read("");
}

static void an_overlong_line_can_still_be_finished(void **state)
{
    static uint8_t many[3 * LDISC_BUF_BYTES];
    char got[LDISC_BUF_BYTES];
    bool any;
    (void)state;
    set(COOKED_I | IMAXBEL, COOKED_O, COOKED_L & ~ECHO);
    memset(many, 'x', sizeof(many));
    assert_int_equal(ldisc_receive(&ld, many, sizeof(many)), sizeof(many));
    assert_int_not_equal(byte_ring_used(&out), 0);      /* it rang */
    type("\n");
    size_t n = ldisc_read(&ld, (uint8_t *)got, sizeof(got), &any);
    assert_true(any);
    assert_in_range(n, LDISC_BUF_BYTES - 8, LDISC_BUF_BYTES);
    assert_int_equal(got[n - 1], '\n');
    expect_nothing();
}

static void raw_input_beyond_the_buffer_is_refused(void **state)
{
    static uint8_t many[2 * LDISC_BUF_BYTES];
    (void)state;
    set(0, 0, 0);
    size_t taken = ldisc_receive(&ld, many, sizeof(many));
    assert_in_range(taken, LDISC_BUF_BYTES - 8, LDISC_BUF_BYTES);
    assert_int_equal(ldisc_receive_room(&ld), 0);
}

static void ixoff_stops_and_starts_the_sender(void **state)
{
    static uint8_t many[LDISC_BUF_BYTES - 64], got[LDISC_BUF_BYTES];
    bool any;
    (void)state;
    set(IXOFF, 0, 0);
    ldisc_receive(&ld, many, sizeof(many));
    assert_int_equal(sent_char, 023);
    ldisc_read(&ld, got, sizeof(got), &any);
    assert_int_equal(sent_char, 021);
}

static void show(const char *text, uint32_t oflag, const char *screen)
{
    set(0, oflag, 0);
    assert_int_equal(ldisc_write(&ld, (const uint8_t *)text, strlen(text)), strlen(text));
    expect_screen(screen);
}

static void output_is_processed_as_asked(void **state)
{
    (void)state;
    show("a\n", OPOST | ONLCR, "a\r\n");
    show("a\n", ONLCR, "a\n");              /* without OPOST: nothing */
    show("a\r", OPOST | OCRNL, "a\n");
    ld.column = 0;
    show("\ra\r", OPOST | ONOCR, "a\r");
    show("abc", OPOST | OLCUC, "ABC");
    ld.column = 0;
    show("ab\tc", OPOST | XTABS, "ab      c");
    show("\n\tx", OPOST | ONLCR | XTABS, "\r\n        x");
}

static void output_stops_before_the_queue_is_full(void **state)
{
    static uint8_t many[16384];
    (void)state;
    memset(many, '\n', sizeof(many));
    size_t n = ldisc_write(&ld, many, sizeof(many));
    assert_in_range(n, 1, sizeof(out_data) / 2);
    assert_false(ldisc_writable(&ld));
    uint32_t before = byte_ring_used(&out);
    type("a");          /* but echo still fits */
    assert_int_equal(byte_ring_used(&out), before + 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        T(a_line_is_read_only_when_it_is_finished), T(each_read_takes_one_line),
        T(a_short_read_leaves_the_rest_of_the_line), T(erase_removes_one_character_from_line_and_screen),
        T(erase_stops_at_the_start_of_the_line), T(erase_does_not_reach_into_a_finished_line),
        T(a_control_character_takes_two_columns), T(erasing_a_tab_goes_back_to_where_it_began),
        T(erasing_a_tab_counts_from_the_prompt), T(utf8_characters_are_erased_whole),
        T(word_erase_takes_the_blanks_behind_the_word), T(kill_empties_the_line),
        T(kill_without_echoke_starts_a_new_line), T(echoprt_shows_what_is_erased), T(reprint_shows_the_line_again),
        T(lnext_takes_the_next_character_literally), T(eof_ends_the_input_without_being_read),
        T(eof_behind_exactly_what_was_asked_for_is_not_seen_twice), T(eol_characters_end_a_line_and_stay_in_it),
        T(intr_signals_and_drops_what_was_typed), T(noflsh_keeps_what_was_typed),
        T(susp_is_a_character_without_isig), T(disabled_characters_do_nothing_special),
        T(stop_and_start_are_not_read), T(ixany_starts_with_any_character),
        T(a_stop_by_ioctl_is_not_ended_by_typing), T(cr_and_nl_are_mapped_as_asked),
        T(istrip_clears_the_eighth_bit), T(parmrk_doubles_0377), T(a_break_interrupts_under_brkint),
        T(raw_input_is_readable_at_once), T(echonl_echoes_the_newline_alone), T(without_echo_nothing_is_shown),
        T(going_raw_gives_the_unfinished_line), T(going_canonical_makes_a_line_of_what_is_there),
        T(an_overlong_line_can_still_be_finished), T(raw_input_beyond_the_buffer_is_refused),
        T(ixoff_stops_and_starts_the_sender), T(output_is_processed_as_asked),
        T(output_stops_before_the_queue_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
