/* SPDX-License-Identifier: MIT */
/*
 * Reading a signalfd: fs keeps the object, its mask and its readiness; the
 * signals are proc's, so the reader takes them there itself.
 */
#include "files.h"
#include <proc_client.h>

#define O_NONBLOCK 04000u
#define SIGPIPE_NUMBER 13

/* struct signalfd_siginfo of <linux/signalfd.h> */
struct linux_signalfd_siginfo {
    uint32_t signo; int32_t error, code; uint32_t pid, uid; int32_t fd; uint32_t tid, band, overrun, trapno;
    int32_t  status, value_int; uint64_t value_ptr, utime, stime, address;
    uint16_t address_lsb, pad2; int32_t syscall; uint64_t call_address; uint32_t arch; uint8_t pad[28];
};
_Static_assert(sizeof(struct linux_signalfd_siginfo) == 128, "Linux ABI");

long write_error(error_t e)
{
    if (e == ERR_BROKEN_PIPE)
        signal_self(SIGPIPE_NUMBER, 0, 0);
    return linux_error(e);
}

static void to_linux(struct linux_signalfd_siginfo *out, const struct proc_siginfo *in)
{
    *out = (struct linux_signalfd_siginfo){
        .signo = in->signo, .error = in->error, .code = in->code, .pid = in->pid, .uid = in->uid,
        .status = in->status, .value_int = (int32_t)in->value, .value_ptr = in->value,
        .utime = (uint64_t)in->utime, .stime = (uint64_t)in->stime, .address = in->address,
    };
}

long signalfd_read(int32_t fd, uaddr_t to, uint64_t bytes)
{
    uint64_t mask, at = 0;
    uint32_t flags;
    error_t e = fs_signalfd_get(fs_client(), fd, &mask, &flags);
    if (e != 0)
        return linux_error(e);
    if (bytes < sizeof(struct linux_signalfd_siginfo))
        return -EINVAL;
    while (bytes - at >= sizeof(struct linux_signalfd_siginfo)) {
        struct linux_signalfd_siginfo out;
        struct proc_siginfo info;
        bool wait = at == 0 && !(flags & O_NONBLOCK);
        e = proc_sig_wait(proc_client(), this_thread()->index, mask, wait ? DEADLINE_NONE : DEADLINE_POLL, &info);
        if (e != 0)
            break;
        to_linux(&out, &info);
        if (copy_to_guest(to + at, &out, sizeof out) != 0)
            return -EFAULT;
        at += sizeof out;
    }
    if (at > 0)
        return (long)at;
    return e == ERR_TIMEOUT ? -EAGAIN : linux_error(e);
}
