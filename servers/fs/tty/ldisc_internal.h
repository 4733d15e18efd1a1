/* SPDX-License-Identifier: MIT */
/* Between ldisc.c and ldisc_output.c only. */
#ifndef FS_TTY_LDISC_INTERNAL_H
#define FS_TTY_LDISC_INTERNAL_H

#include "ldisc.h"

static inline bool ldisc_is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/* A byte that continues a UTF-8 character. */
static inline bool ldisc_is_continuation(const struct ldisc *ld, uint8_t c)
{
    return (ld->termios.iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* Echo c: control characters as ^X when ECHOCTL asks for it. */
void ldisc_echo(struct ldisc *, uint8_t c);
/* Echo c as it is, through output processing. */
void ldisc_echo_raw(struct ldisc *, uint8_t c);
/* Rub out one column. */
void ldisc_echo_erase(struct ldisc *);
/* Close an ECHOPRT group. */
void ldisc_finish_erasing(struct ldisc *);

#endif
