/* SPDX-License-Identifier: MIT */
/*
 * Line discipline: output processing (OPOST) and echo. Both end in `out`, so
 * they come out in the order in which they happened, and `column` follows the
 * cursor through both.
 */
#include "ldisc_internal.h"

/* The most bytes that one processed character becomes (a tab, expanded). */
#define MAX_EXPANSION 8u

static void emit(struct ldisc *ld, uint8_t c)
{
    if (byte_ring_room(ld->out) != 0)
        byte_ring_put(ld->out, c);
}

static void new_line(struct ldisc *ld)
{
    const uint32_t oflag = ld->termios.oflag;

    if (oflag & ONLRET)
        ld->column = 0;
    if (oflag & ONLCR) {
        ld->column = 0;
        emit(ld, '\r');
    }
    ld->canon_column = ld->column;
    emit(ld, '\n');
}

static void carriage_return(struct ldisc *ld)
{
    const uint32_t oflag = ld->termios.oflag;

    if ((oflag & ONOCR) && ld->column == 0)
        return;
    if (oflag & OCRNL) {
        if (oflag & ONLRET)
            ld->canon_column = ld->column = 0;
        emit(ld, '\n');
        return;
    }
    ld->canon_column = ld->column = 0;
    emit(ld, '\r');
}

static void tab(struct ldisc *ld)
{
    uint32_t spaces = 8 - ld->column % 8;

    ld->column += spaces;
    if ((ld->termios.oflag & TABDLY) != XTABS) {
        emit(ld, '\t');
        return;
    }
    while (spaces-- > 0)
        emit(ld, ' ');
}

/* One character under OPOST; the caller made sure of MAX_EXPANSION bytes. */
static void process(struct ldisc *ld, uint8_t c)
{
    switch (c) {
    case '\n': new_line(ld); return;
    case '\r': carriage_return(ld); return;
    case '\t': tab(ld); return;
    case '\b':
        if (ld->column > 0)
            ld->column--;
        break;
    default:
        if (ldisc_is_control(c))
            break;
        if ((ld->termios.oflag & OLCUC) && c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (!ldisc_is_continuation(ld, c))
            ld->column++;
    }
    emit(ld, c);
}

bool ldisc_writable(const struct ldisc *ld)
{
    return byte_ring_room(ld->out) > LDISC_ECHO_RESERVE + MAX_EXPANSION;
}

uint32_t ldisc_expansion(const struct ldisc *ld)
{
    if (!(ld->termios.oflag & OPOST))
        return 1;
    return (ld->termios.oflag & TABDLY) == XTABS ? MAX_EXPANSION : 2;
}

size_t ldisc_write(struct ldisc *ld, const uint8_t *from, size_t n)
{
    size_t done = 0;

    if (!(ld->termios.oflag & OPOST)) {
        uint32_t room = byte_ring_room(ld->out);
        room = room > LDISC_ECHO_RESERVE ? room - LDISC_ECHO_RESERVE : 0;
        return byte_ring_append(ld->out, from, n < room ? (uint32_t)n : room);
    }
    while (done < n && ldisc_writable(ld))
        process(ld, from[done++]);
    return done;
}

void ldisc_echo_raw(struct ldisc *ld, uint8_t c)
{
    if (byte_ring_room(ld->out) < MAX_EXPANSION)
        return;
    if (ld->termios.oflag & OPOST)
        process(ld, c);
    else
        emit(ld, c);
}

void ldisc_echo(struct ldisc *ld, uint8_t c)
{
    if ((ld->termios.lflag & ECHOCTL) && ldisc_is_control(c) && c != '\t') {
        ldisc_echo_raw(ld, '^');
        ldisc_echo_raw(ld, c ^ 0100);
    } else {
        ldisc_echo_raw(ld, c);
    }
}

void ldisc_echo_erase(struct ldisc *ld)
{
    ldisc_echo_raw(ld, '\b');
    ldisc_echo_raw(ld, ' ');
    ldisc_echo_raw(ld, '\b');
}

void ldisc_finish_erasing(struct ldisc *ld)
{
    if (!ld->erasing)
        return;
    ld->erasing = false;
    ldisc_echo_raw(ld, '/');
}
