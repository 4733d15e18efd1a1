/* SPDX-License-Identifier: MIT */
/*
 * Terminal numbers of the Linux ABI (the generic layout that riscv64 uses):
 * structures and bits of termios, commands of tty ioctls.
 */
#ifndef FS_TTY_TERMIOS_H
#define FS_TTY_TERMIOS_H

#include <atoll/types.h>

#define TTY_NCCS 19

/* TCGETS2 transfers all of it, TCGETS the first TERMIOS_BYTES. */
struct tty_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t  line;
    uint8_t  cc[TTY_NCCS];
    uint32_t ispeed, ospeed;
};
#define TERMIOS_BYTES 36
_Static_assert(sizeof(struct tty_termios) == 44, "termios2 of Linux");
_Static_assert(offsetof(struct tty_termios, ispeed) == TERMIOS_BYTES, "termios of Linux");

struct tty_winsize { uint16_t rows, cols, xpixel, ypixel; };

/* The old System V form (TCGETA). */
struct tty_termio { uint16_t iflag, oflag, cflag, lflag; uint8_t line, cc[8], pad; };

enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP,
       VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 };

/* iflag */
#define IGNBRK  0000001u
#define BRKINT  0000002u
#define IGNPAR  0000004u
#define PARMRK  0000010u
#define INPCK   0000020u
#define ISTRIP  0000040u
#define INLCR   0000100u
#define IGNCR   0000200u
#define ICRNL   0000400u
#define IUCLC   0001000u
#define IXON    0002000u
#define IXANY   0004000u
#define IXOFF   0010000u
#define IMAXBEL 0020000u
#define IUTF8   0040000u
/* oflag */
#define OPOST   0000001u
#define OLCUC   0000002u
#define ONLCR   0000004u
#define OCRNL   0000010u
#define ONOCR   0000020u
#define ONLRET  0000040u
#define TABDLY  0014000u
#define XTABS   0014000u
/* cflag */
#define CBAUD   0010017u
#define B38400  0000017u
#define CSIZE   0000060u
#define CS8     0000060u
#define CREAD   0000200u
#define HUPCL   0002000u
#define CLOCAL  0004000u
/* lflag */
#define ISIG    0000001u
#define ICANON  0000002u
#define ECHO    0000010u
#define ECHOE   0000020u
#define ECHOK   0000040u
#define ECHONL  0000100u
#define NOFLSH  0000200u
#define TOSTOP  0000400u
#define ECHOCTL 0001000u
#define ECHOPRT 0002000u
#define ECHOKE  0004000u
#define FLUSHO  0010000u
#define PENDIN  0040000u
#define IEXTEN  0100000u
#define EXTPROC 0200000u

#define TCGETS      0x5401u
#define TCSETS      0x5402u
#define TCSETSW     0x5403u
#define TCSETSF     0x5404u
#define TCGETA      0x5405u
#define TCSETA      0x5406u
#define TCSETAW     0x5407u
#define TCSETAF     0x5408u
#define TCSBRK      0x5409u
#define TCXONC      0x540au
#define TCFLSH      0x540bu
#define TIOCEXCL    0x540cu
#define TIOCNXCL    0x540du
#define TIOCSCTTY   0x540eu
#define TIOCGPGRP   0x540fu
#define TIOCSPGRP   0x5410u
#define TIOCOUTQ    0x5411u
#define TIOCSTI     0x5412u
#define TIOCGWINSZ  0x5413u
#define TIOCSWINSZ  0x5414u
#define TIOCMGET    0x5415u
#define TIOCMBIS    0x5416u
#define TIOCMBIC    0x5417u
#define TIOCMSET    0x5418u
#define TIOCGSOFTCAR 0x5419u
#define TIOCSSOFTCAR 0x541au
#define FIONREAD    0x541bu
#define TIOCPKT     0x5420u
#define TIOCNOTTY   0x5422u
#define TIOCSETD    0x5423u
#define TIOCGETD    0x5424u
#define TCSBRKP     0x5425u
#define TIOCSBRK    0x5427u
#define TIOCCBRK    0x5428u
#define TIOCGSID    0x5429u
#define TCGETS2     0x802c542au
#define TCSETS2     0x402c542bu
#define TCSETSW2    0x402c542cu
#define TCSETSF2    0x402c542du
#define TIOCGPTN    0x80045430u
#define TIOCSPTLCK  0x40045431u
#define TIOCGDEV    0x80045432u
#define TIOCSIG     0x40045436u
#define TIOCVHANGUP 0x5437u
#define TIOCGPKT    0x80045438u
#define TIOCGPTLCK  0x80045439u
#define TIOCGEXCL   0x80045440u
#define TIOCGPTPEER 0x5441u

/* TIOCPKT status bits */
#define TIOCPKT_DATA        0u
#define TIOCPKT_FLUSHREAD   1u
#define TIOCPKT_FLUSHWRITE  2u
#define TIOCPKT_STOP        4u
#define TIOCPKT_START       8u
#define TIOCPKT_NOSTOP      16u
#define TIOCPKT_DOSTOP      32u

#endif
