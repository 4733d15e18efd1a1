/* SPDX-License-Identifier: MIT */
/*
 * Line discipline: input editing and delivery (ldisc.h has the buffer's rules,
 * ldisc_output.c what goes to the screen). The order in which a character is
 * looked at is Linux's, since programs see the difference: flow control, then
 * signals, then CR/NL mapping, then line editing.
 */
#include "ldisc_internal.h"

#define SIG_INT  2
#define SIG_QUIT 3
#define SIG_TSTP 20

static const struct tty_termios default_termios = {
    .iflag = ICRNL | IXON,
    .oflag = OPOST | ONLCR,
    .cflag = B38400 | CS8 | CREAD | HUPCL,
    .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .cc = {
        [VINTR] = 003, [VQUIT] = 034, [VERASE] = 0177, [VKILL] = 025, [VEOF] = 004,
        [VMIN] = 1, [VSTART] = 021, [VSTOP] = 023, [VSUSP] = 032, [VREPRINT] = 022,
        [VDISCARD] = 017, [VWERASE] = 027, [VLNEXT] = 026,
    },
    .ispeed = 38400,
    .ospeed = 38400,
};

void ldisc_init(struct ldisc *ld, struct byte_ring *out, const struct ldisc_ops *ops)
{
    memset(ld, 0, sizeof(*ld));
    ld->termios = default_termios;
    ld->out = out;
    ld->ops = ops;
}

/* ---- the input buffer ---- */

static uint8_t byte_at(const struct ldisc *ld, uint32_t at)
{
    return ld->buf[at % LDISC_BUF_BYTES];
}

static bool is_eol(const struct ldisc *ld, uint32_t at)
{
    at %= LDISC_BUF_BYTES;
    return ld->eol[at / 64] >> (at % 64) & 1;
}

static void set_eol(struct ldisc *ld, uint32_t at, bool on)
{
    at %= LDISC_BUF_BYTES;
    uint64_t bit = 1ul << (at % 64);
    ld->eol[at / 64] = on ? ld->eol[at / 64] | bit : ld->eol[at / 64] & ~bit;
}

static uint32_t used(const struct ldisc *ld)
{
    return ld->head - ld->tail;
}

static void put_input(struct ldisc *ld, uint8_t c)
{
    if (used(ld) == LDISC_BUF_BYTES)
        return;
    set_eol(ld, ld->head, false);
    ld->buf[ld->head++ % LDISC_BUF_BYTES] = c;
}

/* 0377 is doubled under PARMRK, so that a marked error is not mistaken. */
static void put_data(struct ldisc *ld, uint8_t c)
{
    if ((ld->termios.iflag & PARMRK) && c == 0377)
        put_input(ld, c);
    put_input(ld, c);
}

static void finish_line(struct ldisc *ld, uint8_t c)
{
    if (used(ld) == LDISC_BUF_BYTES)
        return;
    uint32_t at = ld->head;
    put_input(ld, c);
    set_eol(ld, at, true);
    ld->canon_head = ld->head;
}

size_t ldisc_receive_room(const struct ldisc *ld)
{
    size_t room = LDISC_BUF_BYTES - used(ld);
    /* PARMRK may turn a byte into three */
    if (ld->termios.iflag & PARMRK)
        room /= 3;
    /* Canonical: keep taking characters while no line is complete, or the
     * newline that completes it never gets in. What does not fit is dropped. */
    if (ldisc_canonical(ld) && ld->canon_head == ld->tail)
        return room > 1 ? room - 1 : 1;
    return room > 0 ? room - 1 : 0;
}

/* ---- flow control ---- */

void ldisc_stop(struct ldisc *ld, bool by_ioctl)
{
    if (by_ioctl)
        ld->stopped_by_ioctl = true;
    if (ld->stopped)
        return;
    ld->stopped = true;
    ld->ops->flow_changed(ld, true);
}

void ldisc_start(struct ldisc *ld, bool by_ioctl)
{
    if (by_ioctl)
        ld->stopped_by_ioctl = false;
    if (!ld->stopped || ld->stopped_by_ioctl)
        return;
    ld->stopped = false;
    ld->ops->flow_changed(ld, false);
}

/* IXOFF: ask the other side to pause before the buffer overflows. */
static void check_throttle(struct ldisc *ld)
{
    if (!ld->throttled) {
        if ((ld->termios.iflag & IXOFF) && used(ld) > LDISC_BUF_BYTES - 512) {
            ld->throttled = true;
            ld->ops->send_char(ld, ld->termios.cc[VSTOP]);
        }
    } else if (used(ld) < LDISC_BUF_BYTES / 4 || !(ld->termios.iflag & IXOFF)) {
        ld->throttled = false;
        ld->ops->send_char(ld, ld->termios.cc[VSTART]);
    }
}

/* ---- flushing ---- */

void ldisc_flush_input(struct ldisc *ld)
{
    ld->tail = ld->canon_head = ld->head;
    ld->lnext = ld->erasing = ld->pushed = false;
    memset(ld->eol, 0, sizeof(ld->eol));
    check_throttle(ld);
    ld->ops->flushed(ld, TIOCPKT_FLUSHREAD);
}

void ldisc_flush_output(struct ldisc *ld)
{
    ld->out->tail = ld->out->head;
    ld->ops->flushed(ld, TIOCPKT_FLUSHWRITE);
}

/* ---- editing ---- */

/* Columns between the last tab (or the line's start) and `end`; *after_tab says
 * which of the two it was. */
static uint32_t columns_before(const struct ldisc *ld, uint32_t end, bool *after_tab)
{
    uint32_t columns = 0;
    *after_tab = false;
    for (uint32_t at = end; at != ld->canon_head;) {
        uint8_t c = byte_at(ld, --at);
        if (c == '\t') {
            *after_tab = true;
            break;
        }
        if (ldisc_is_control(c))
            columns += (ld->termios.lflag & ECHOCTL) ? 2 : 0;
        else if (!ldisc_is_continuation(ld, c))
            columns++;
    }
    return columns;
}

/* Take one erased character (its first byte c, n bytes, now beyond head) off
 * the screen. */
static void echo_erased(struct ldisc *ld, uint8_t c, uint32_t n, bool whole_line)
{
    uint32_t lflag = ld->termios.lflag;
    if (lflag & ECHOPRT) {
        if (!ld->erasing) {
            ldisc_echo_raw(ld, '\\');
            ld->erasing = true;
        }
        ldisc_echo(ld, c);
        for (uint32_t i = 1; i < n; i++)
            ldisc_echo_raw(ld, byte_at(ld, ld->head + i));
    } else if (!whole_line && !(lflag & ECHOE)) {
        ldisc_echo(ld, ld->termios.cc[VERASE]);
    } else if (c == '\t') {
        bool after_tab;
        uint32_t columns = columns_before(ld, ld->head, &after_tab);
        if (!after_tab)
            columns += ld->canon_column;
        for (uint32_t i = 8 - columns % 8; i > 0; i--)
            ldisc_echo_raw(ld, '\b');
    } else {
        if (ldisc_is_control(c) && (lflag & ECHOCTL))
            ldisc_echo_erase(ld);
        if (!ldisc_is_control(c) || (lflag & ECHOCTL))
            ldisc_echo_erase(ld);
    }
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* Start of the last character of the line under edit; false when only a piece
 * of one is there. */
static bool last_char(const struct ldisc *ld, uint32_t *start)
{
    uint32_t at = ld->head;
    do
        at--;
    while (at != ld->canon_head && ldisc_is_continuation(ld, byte_at(ld, at)));
    *start = at;
    return !ldisc_is_continuation(ld, byte_at(ld, at));
}

enum erase_kind { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static void erase(struct ldisc *ld, enum erase_kind kind)
{
    const uint32_t lflag = ld->termios.lflag;
    bool seen_word = false;

    if (ld->head == ld->canon_head)
        return;
    if (kind == ERASE_LINE && (lflag & (ECHO | ECHOK | ECHOKE | ECHOE)) != (ECHO | ECHOK | ECHOKE | ECHOE)) {
        ld->head = ld->canon_head;
        if (lflag & ECHO) {
            ldisc_finish_erasing(ld);
            ldisc_echo(ld, ld->termios.cc[VKILL]);
            if (lflag & ECHOK)
                ldisc_echo_raw(ld, '\n');
        }
        return;
    }
    while (ld->head != ld->canon_head) {
        uint32_t start;
        if (!last_char(ld, &start))
            break;
        uint8_t c = byte_at(ld, start);
        if (kind == ERASE_WORD) {
            if (is_word(c))
                seen_word = true;
            else if (seen_word)
                break;
        }
        uint32_t n = ld->head - start;
        ld->head = start;
        if (lflag & ECHO)
            echo_erased(ld, c, n, kind != ERASE_CHAR);
        if (kind == ERASE_CHAR)
            break;
    }
    if (ld->head == ld->canon_head && (lflag & ECHO))
        ldisc_finish_erasing(ld);
}

static void reprint(struct ldisc *ld)
{
    ldisc_finish_erasing(ld);
    ldisc_echo(ld, ld->termios.cc[VREPRINT]);
    ldisc_echo_raw(ld, '\n');
    for (uint32_t at = ld->canon_head; at != ld->head; at++)
        ldisc_echo(ld, byte_at(ld, at));
}

/* ---- one character ---- */

static bool is_cc(const struct ldisc *ld, unsigned which, uint8_t c)
{
    return ld->termios.cc[which] == c && c != 0;
}

static void raise_signal(struct ldisc *ld, int signo, uint8_t c)
{
    if (!(ld->termios.lflag & NOFLSH)) {
        ldisc_flush_input(ld);
        ldisc_flush_output(ld);
    }
    if (ld->termios.iflag & IXON)
        ldisc_start(ld, false);
    if (ld->termios.lflag & ECHO)
        ldisc_echo(ld, c);
    ld->ops->signal(ld, signo);
}

/* Flow control and signals; true when the character is used up. */
static bool receive_special(struct ldisc *ld, uint8_t c)
{
    if (ld->termios.iflag & IXON) {
        if (is_cc(ld, VSTART, c)) {
            ldisc_start(ld, false);
            return true;
        }
        if (is_cc(ld, VSTOP, c)) {
            ldisc_stop(ld, false);
            return true;
        }
    }
    if (ld->termios.lflag & ISIG) {
        int signo = is_cc(ld, VINTR, c) ? SIG_INT : is_cc(ld, VQUIT, c) ? SIG_QUIT : is_cc(ld, VSUSP, c) ? SIG_TSTP : 0;
        if (signo != 0) {
            raise_signal(ld, signo, c);
            return true;
        }
    }
    if (ld->stopped && (ld->termios.iflag & (IXON | IXANY)) == (IXON | IXANY))
        ldisc_start(ld, false);
    return false;
}

static void echo_data(struct ldisc *ld, uint8_t c)
{
    if (!(ld->termios.lflag & ECHO))
        return;
    ldisc_finish_erasing(ld);
    if (c == '\n') {
        ldisc_echo_raw(ld, '\n');
        return;
    }
    if (ld->head == ld->canon_head)
        ld->canon_column = ld->column;
    ldisc_echo(ld, c);
}

/* Editing and line ends; true when the character is used up. */
static bool receive_canonical(struct ldisc *ld, uint8_t c)
{
    const uint32_t lflag = ld->termios.lflag;
    const bool iexten = (lflag & IEXTEN) != 0;

    if (is_cc(ld, VERASE, c)) {
        erase(ld, ERASE_CHAR);
    } else if (is_cc(ld, VKILL, c)) {
        erase(ld, ERASE_LINE);
    } else if (iexten && is_cc(ld, VWERASE, c)) {
        erase(ld, ERASE_WORD);
    } else if (iexten && is_cc(ld, VLNEXT, c)) {
        ld->lnext = true;
        if (lflag & ECHO) {
            ldisc_finish_erasing(ld);
            if (lflag & ECHOCTL) {
                if (ld->head == ld->canon_head)
                    ld->canon_column = ld->column;
                ldisc_echo_raw(ld, '^');
                ldisc_echo_raw(ld, '\b');
            }
        }
    } else if (iexten && (lflag & ECHO) && is_cc(ld, VREPRINT, c)) {
        reprint(ld);
    } else if (c == '\n') {
        if (lflag & (ECHO | ECHONL)) {
            ldisc_finish_erasing(ld);
            ldisc_echo_raw(ld, '\n');
        }
        finish_line(ld, c);
    } else if (is_cc(ld, VEOF, c)) {
        finish_line(ld, 0);
    } else if (is_cc(ld, VEOL, c) || (iexten && is_cc(ld, VEOL2, c))) {
        echo_data(ld, c);
        if ((ld->termios.iflag & PARMRK) && c == 0377)
            put_input(ld, c);
        finish_line(ld, c);
    } else {
        return false;
    }
    return true;
}

/* A buffer full of one unfinished line: only what can finish or shorten it may
 * come in. Returns true when c must be dropped. */
static bool drop_on_full(struct ldisc *ld, uint8_t c)
{
    if (ldisc_receive_room(ld) > 1 || !ldisc_canonical(ld))
        return false;
    if (c == '\n' || is_cc(ld, VEOF, c) || is_cc(ld, VEOL, c) || is_cc(ld, VEOL2, c) || is_cc(ld, VERASE, c) ||
        is_cc(ld, VKILL, c) || is_cc(ld, VWERASE, c))
        return false;
    if (ld->termios.iflag & IMAXBEL)
        ldisc_echo_raw(ld, '\a');
    return true;
}

static void receive_char(struct ldisc *ld, uint8_t c)
{
    const uint32_t iflag = ld->termios.iflag;

    if (iflag & ISTRIP)
        c &= 0x7f;
    if ((iflag & IUCLC) && (ld->termios.lflag & IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (ld->lnext) {
        ld->lnext = false;
        if (!drop_on_full(ld, c == '\n' ? 'n' : c)) {
            echo_data(ld, c);
            put_data(ld, c);
        }
        return;
    }
    if (ld->termios.lflag & EXTPROC) {
        put_data(ld, c);
        return;
    }
    if (receive_special(ld, c))
        return;
    if (c == '\r') {
        if (iflag & IGNCR)
            return;
        if (iflag & ICRNL)
            c = '\n';
    } else if (c == '\n' && (iflag & INLCR)) {
        c = '\r';
    }
    if (drop_on_full(ld, c))
        return;
    if (ldisc_canonical(ld) && receive_canonical(ld, c))
        return;
    echo_data(ld, c);
    put_data(ld, c);
}

/* Raw mode without any mapping: bytes go straight into the buffer. */
static bool plain(const struct ldisc *ld)
{
    const struct tty_termios *t = &ld->termios;
    return !(t->lflag & (ISIG | ICANON | ECHO | EXTPROC)) && !ld->lnext &&
           !(t->iflag & (ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK));
}

size_t ldisc_receive(struct ldisc *ld, const uint8_t *from, size_t n)
{
    size_t done = 0;

    while (done < n) {
        if (ldisc_receive_room(ld) == 0)
            break;
        if (plain(ld)) {
            put_input(ld, from[done++]);
        } else {
            receive_char(ld, from[done++]);
        }
    }
    check_throttle(ld);
    return done;
}

void ldisc_receive_break(struct ldisc *ld)
{
    const uint32_t iflag = ld->termios.iflag;

    if (iflag & IGNBRK)
        return;
    if (iflag & BRKINT) {
        if (!(ld->termios.lflag & NOFLSH)) {
            ldisc_flush_input(ld);
            ldisc_flush_output(ld);
        }
        ld->ops->signal(ld, SIG_INT);
        return;
    }
    if (ldisc_receive_room(ld) < 3)
        return;
    if (iflag & PARMRK) {
        put_input(ld, 0377);
        put_input(ld, 0);
    }
    put_input(ld, 0);
}

/* ---- reading ---- */

bool ldisc_readable(const struct ldisc *ld, size_t at_least)
{
    if (ldisc_canonical(ld))
        return ld->canon_head != ld->tail;
    return used(ld) >= (at_least == 0 ? 1 : at_least);
}

static size_t take(struct ldisc *ld, uint8_t *to, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = byte_at(ld, ld->tail++);
    return n;
}

static size_t read_line(struct ldisc *ld, uint8_t *to, size_t n)
{
    uint32_t limit = ld->canon_head - ld->tail, end = 0;
    bool found = false;

    while (end < limit && !found)
        found = is_eol(ld, ld->tail + end++);
    bool is_eof = found && byte_at(ld, ld->tail + end - 1) == 0 && !ld->pushed;
    uint32_t data = is_eof ? end - 1 : end;
    if (data > n)
        return take(ld, to, (uint32_t)n);
    take(ld, to, data);
    if (is_eof)
        ld->tail++;
    if (found)
        ld->pushed = false;     /* only the first line can be the pushed one */
    return data;
}

size_t ldisc_read(struct ldisc *ld, uint8_t *to, size_t n, bool *got)
{
    size_t done;

    *got = ldisc_readable(ld, 1);
    if (!*got || n == 0)
        return 0;
    if (ldisc_canonical(ld))
        done = read_line(ld, to, n);
    else
        done = take(ld, to, n < used(ld) ? (uint32_t)n : used(ld));
    check_throttle(ld);
    return done;
}

size_t ldisc_input_bytes(const struct ldisc *ld)
{
    if (!ldisc_canonical(ld))
        return used(ld);
    size_t n = 0;
    for (uint32_t at = ld->tail; at != ld->canon_head; at++)
        n += !(is_eol(ld, at) && byte_at(ld, at) == 0);
    return n;
}

/* ---- settings ---- */

void ldisc_set_termios(struct ldisc *ld, const struct tty_termios *t)
{
    struct tty_termios old = ld->termios;

    ld->termios = *t;
    if ((old.lflag ^ t->lflag) & (ICANON | EXTPROC)) {
        memset(ld->eol, 0, sizeof(ld->eol));
        ld->canon_head = ld->tail;
        ld->pushed = false;
        if (ldisc_canonical(ld) && used(ld) != 0) {
            /* what was typed before counts as a line without its end */
            set_eol(ld, ld->head - 1, true);
            ld->canon_head = ld->head;
            ld->pushed = true;
        }
        ld->lnext = ld->erasing = false;
    }
    if (!(t->iflag & IXON) && (old.iflag & IXON))
        ldisc_start(ld, false);
    check_throttle(ld);
}
