/* SPDX-License-Identifier: MIT */
/*
 * A terminal: line discipline, output queue, session and foreground group, and
 * the driver below (a UART, a virtio console port, or the master of a pty).
 *
 * Files on terminals come and go; a hardware terminal stays, the slave of a pty
 * lives until master and slave files are closed. A hang-up makes all open files
 * of the terminal dead (`generation` is newer than theirs): they read end of
 * file and fail to write. Files opened as /dev/console are spared, as on Linux:
 * init keeps the descriptors it was born with.
 *
 * Foreground checks look at the process for whom the request runs, at each
 * attempt. A parked reader whose group went to the background meanwhile does
 * not eat the input of the group that is there now.
 */
#ifndef FS_TTY_TTY_H
#define FS_TTY_TTY_H

#include "../file.h"
#include "../process.h"
#include "ldisc.h"

#define TTY_OUT_BYTES   8192u
/* waitq events of terminals: the output queue is empty; another group is in the
 * foreground. */
#define TTY_WAKE_DRAINED    0x40000000u
#define TTY_WAKE_FOREGROUND 0x08000000u

#define SIG_HUP   1
#define SIG_CONT  18
#define SIG_TTIN  21
#define SIG_TTOU  22
#define SIG_WINCH 28

struct tty;

/* What a terminal asks of its driver; all but start_tx may be NULL. */
struct tty_driver {
    /* There is output in tty->out and the terminal is not stopped. */
    void (*start_tx)(struct tty *);
    /* The input buffer has room again. */
    void (*input_room)(struct tty *);
    /* Send one character ahead of the queue (IXOFF). */
    void (*send_char)(struct tty *, uint8_t);
    void (*flow_changed)(struct tty *, bool stopped);
    void (*flushed)(struct tty *, unsigned what);
    /* The settings changed. */
    void (*termios_changed)(struct tty *, const struct tty_termios *old);
    /* Output counts as drained only when this says so too. */
    bool (*drained)(struct tty *);
    /* First open and last close. */
    error_t (*opened)(struct tty *);
    void (*closed)(struct tty *);
    /* Nobody is there any more: input ends, writes fail. */
    bool (*peer_gone)(const struct tty *);
};

struct tty {
    struct ldisc ld;            /* first: its callbacks find the tty            */
    struct byte_ring out;
    const struct tty_driver *driver;
    void    *driver_data;
    struct waitq waiters;
    uint64_t rdev;
    struct tty *next;           /* of all terminals                             */

    struct tty_winsize winsize;
    uint32_t session;           /* whose controlling terminal it is, or 0       */
    uint32_t leader_slot;       /* process slot of that session's leader        */
    uint32_t pgrp;              /* in the foreground, or 0                      */

    uint32_t generation;        /* counts hang-ups                              */
    uint32_t nr_open;
    bool     exclusive;

    struct exec_timer read_timer;   /* VTIME                                    */
    bool     read_timed_out;
};

extern struct tty *tty_list;
extern const struct file_ops tty_file_ops;
/* The system console, NULL when the machine has none. */
extern struct tty *tty_console;

/* A new terminal with an output buffer; NULL: no memory. */
struct tty *tty_new(const struct tty_driver *, void *driver_data, uint64_t rdev);
void tty_free(struct tty *);
/* Make f an open file of the terminal. ERR_BUSY, ERR_IO. */
error_t tty_attach_file(struct tty *, struct file *, struct process *, bool as_console);

/* ---- for drivers ---- */
/* Input came in. Returns what was taken. */
size_t tty_receive(struct tty *, const uint8_t *, size_t n);
/* tty->out was emptied to some degree: wake writers that have room now. */
void tty_output_taken(struct tty *);
/* Take up to n bytes of output, none while stopped. */
size_t tty_take_output(struct tty *, uint8_t *, size_t n);
bool tty_drained(struct tty *);
/* Push echo and such out to the driver. */
void tty_start(struct tty *);
void tty_hangup(struct tty *);
/* Readiness may have changed in any way. */
void tty_wake_all(struct tty *);

/* ---- sessions and job control (tty_job.c) ---- */
/* May p go on (0)? Otherwise the signal was sent: ERR_RESTART, or ERR_IO. */
error_t tty_check_background(struct tty *, const struct process *, int signo);
bool tty_in_foreground(const struct tty *, const struct process *);
struct tty *tty_of_session(uint32_t sid);
static inline bool tty_is_controlling(const struct tty *t, const struct process *p)
{
    return t->session != 0 && t->session == p->page->sid;
}
/* The line of a terminal is gone: signals to its session, then a hang-up. */
void tty_line_lost(struct tty *);
void tty_signal_group(const struct tty *, int signo);
error_t tty_set_controlling(struct tty *, struct process *, bool steal);
error_t tty_give_up_controlling(struct tty *, struct process *);
error_t tty_set_foreground(struct tty *, struct process *, int32_t pgrp);
/* Open without O_NOCTTY by a session leader that has no terminal. */
void tty_open_controlling(struct tty *, struct process *);

/* Ticks of the time base in a second, for VTIME. */
uint32_t fs_tty_hz(void);

/* ---- ioctls (tty_ioctl.c) ---- */
/* `target` is the terminal that settings are about; `master` says that the
 * caller holds a pty master. */
error_t tty_ioctl(struct tty *target, bool master, struct file *, struct rpc_call *, uint32_t command,
                  uint64_t argument, uint64_t *result);

#endif
