/* SPDX-License-Identifier: MIT */
/*
 * The terminal line discipline: what Linux calls N_TTY.
 *
 * It knows neither files nor processes. Bytes from the line come in by
 * ldisc_receive and, edited, go out by ldisc_read; bytes from programs come in
 * by ldisc_write and, processed, go to `out`, where echoes go too. What must
 * happen outside is told through ldisc_ops.
 *
 * Input buffer: indices run freely over buf. tail <= canon_head <= head. In
 * canonical mode [tail, canon_head) holds finished lines and [canon_head, head)
 * the line under edit; a set bit in eol marks a byte that ends a line. An end
 * of file is a NUL with its mark set: it ends the line and is never delivered.
 * In raw mode canon_head and the marks have no meaning.
 *
 * Output: programs leave LDISC_ECHO_RESERVE bytes of `out` free so that echo
 * finds room however much was written; echo that does not fit is lost.
 */
#ifndef FS_TTY_LDISC_H
#define FS_TTY_LDISC_H

#include "byte_ring.h"
#include "termios.h"

#define LDISC_BUF_BYTES     4096u
#define LDISC_ECHO_RESERVE  512u

struct ldisc;

struct ldisc_ops {
    /* A special character asked for a signal to the foreground group. */
    void (*signal)(struct ldisc *, int signo);
    /* Flow of output was stopped or started (packet mode tells the master). */
    void (*flow_changed)(struct ldisc *, bool stopped);
    /* Input or output was thrown away: TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE. */
    void (*flushed)(struct ldisc *, unsigned what);
    /* IXOFF: send this character to the other side ahead of everything. */
    void (*send_char)(struct ldisc *, uint8_t c);
};

struct ldisc {
    struct tty_termios termios;
    struct byte_ring *out;
    const struct ldisc_ops *ops;

    uint32_t head, canon_head, tail;
    uint32_t column;            /* of the output cursor                         */
    uint32_t canon_column;      /* where the line under edit began              */
    bool     lnext;             /* the next character is taken literally        */
    bool     erasing;           /* inside an ECHOPRT \.../ group                */
    bool     stopped;           /* output: ^S, or TCXONC                        */
    bool     stopped_by_ioctl;  /* then ^Q and IXANY do not start it            */
    bool     throttled;         /* IXOFF: STOP was sent                         */
    bool     pushed;            /* raw input became a line without a delimiter  */
    uint64_t eol[LDISC_BUF_BYTES / 64];
    uint8_t  buf[LDISC_BUF_BYTES];
};

void ldisc_init(struct ldisc *, struct byte_ring *out, const struct ldisc_ops *);

/* Take n bytes of the line. Returns how many were taken: fewer only in raw mode
 * with a full buffer. */
size_t ldisc_receive(struct ldisc *, const uint8_t *from, size_t n);
/* The line reported a break. */
void ldisc_receive_break(struct ldisc *);
/* How many bytes ldisc_receive would surely take. */
size_t ldisc_receive_room(const struct ldisc *);

/* Take up to n bytes of edited input. *got says whether there was anything: an
 * end of file gives true and 0. In canonical mode at most one line. */
size_t ldisc_read(struct ldisc *, uint8_t *to, size_t n, bool *got);
/* Is there something to read? raw mode: at least `at_least` bytes. */
bool ldisc_readable(const struct ldisc *, size_t at_least);
/* Bytes that FIONREAD reports. */
size_t ldisc_input_bytes(const struct ldisc *);

/* Process n bytes of output; returns how many found room in `out`. */
size_t ldisc_write(struct ldisc *, const uint8_t *from, size_t n);
bool ldisc_writable(const struct ldisc *);
/* The most bytes that one byte of output becomes under the settings of now. */
uint32_t ldisc_expansion(const struct ldisc *);

void ldisc_set_termios(struct ldisc *, const struct tty_termios *);
void ldisc_flush_input(struct ldisc *);
void ldisc_flush_output(struct ldisc *);
void ldisc_stop(struct ldisc *, bool by_ioctl);
void ldisc_start(struct ldisc *, bool by_ioctl);

static inline bool ldisc_canonical(const struct ldisc *ld)
{
    return (ld->termios.lflag & ICANON) != 0;
}

#endif
