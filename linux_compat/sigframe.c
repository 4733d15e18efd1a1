/* SPDX-License-Identifier: MIT */
/*
 * Linux's signal frame for riscv64: pushing it, and rt_sigreturn.
 */
#include <string.h>
#include "error.h"
#include "guest.h"
#include "signal.h"

extern const uint64_t vdso_sigreturn_offset;
void resume_full(void) __attribute__((noreturn));

void siginfo_to_linux(struct linux_siginfo *to, const struct sig_info *from)
{
    memset(to, 0, sizeof(*to));
    to->signo = (int32_t)from->signo;
    to->error = from->error;
    to->code = from->code;
    if (from->signo == SIGCHLD && from->code > 0 && from->code < 7) {
        to->child.pid = from->pid;
        to->child.uid = from->uid;
        to->child.status = from->status;
        to->child.utime = from->utime;
        to->child.stime = from->stime;
    } else if (from->code == SI_TIMER) {
        to->timer.timer = (int32_t)from->pid;
        to->timer.overrun = (int32_t)from->status;
        to->timer.value = from->value;
    } else if (from->code > 0 && (SIG_SYNCHRONOUS & SIGBIT(from->signo))) {
        to->fault.address = from->address;
    } else {
        to->queue.pid = from->pid;
        to->queue.uid = from->uid;
        to->queue.value = from->value;
    }
}

static bool on_altstack(const struct thread *t, uaddr_t sp)
{
    return t->altstack_bytes && !(t->altstack_flags & SS_AUTODISARM) &&
           sp > t->altstack_base && sp - t->altstack_base <= t->altstack_bytes;
}

static uaddr_t frame_place(const struct thread *t, const struct sig_action *action)
{
    uaddr_t sp = t->frame.guest.x[2];
    bool on = on_altstack(t, sp);
    if (!on && (action->flags & SA_ONSTACK) && t->altstack_bytes)
        sp = t->altstack_base + t->altstack_bytes;
    uaddr_t place = (sp - sizeof(struct linux_sigframe)) & ~15ul;
    /* An overflow of the alternate stack must fail, not run below it. */
    if (on && place < t->altstack_base)
        return 0;
    return place;
}

static struct linux_stack altstack_now(const struct thread *t)
{
    struct linux_stack s = { .sp = t->altstack_base, .size = t->altstack_bytes };
    s.flags = (int32_t)((t->altstack_bytes ? 0 : SS_DISABLE) | t->altstack_flags);
    if (on_altstack(t, t->frame.guest.x[2]))
        s.flags |= SS_ONSTACK;
    return s;
}

long sigframe_push(struct thread *t, const struct sig_info *info, const struct sig_action *action, uint64_t old_mask)
{
    struct linux_sigframe f;
    uint64_t *x = t->frame.guest.x;
    uaddr_t at = frame_place(t, action);
    if (!at)
        return -EFAULT;
    siginfo_to_linux(&f.info, info);
    memset(&f.uc, 0, offsetof(struct linux_ucontext, mcontext));
    f.uc.stack = altstack_now(t);
    f.uc.mask = old_mask;
    f.uc.mcontext.pc = x[0];
    memcpy(f.uc.mcontext.regs, &x[1], sizeof(f.uc.mcontext.regs));
    fp_save(&f.uc.mcontext.fp);
    memset(f.uc.mcontext.fp.rest, 0, sizeof(f.uc.mcontext.fp.rest));
    if (copy_to_guest(at, &f, sizeof(f)))
        return -EFAULT;
    if (t->altstack_flags & SS_AUTODISARM)
        t->altstack_bytes = 0;
    x[0] = action->handler;
    x[1] = VDSO_BASE + vdso_sigreturn_offset;
    x[2] = at;
    x[10] = info->signo;
    x[11] = at + offsetof(struct linux_sigframe, info);
    x[12] = at + offsetof(struct linux_sigframe, uc);
    return 0;
}

static long set_altstack(struct thread *t, const struct linux_stack *s)
{
    uint32_t mode = (uint32_t)s->flags & ~SS_AUTODISARM;
    if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        t->altstack_base = t->altstack_bytes = 0;
        t->altstack_flags = 0;
        return 0;
    }
    if (s->size < MIN_SIGSTACK)
        return -ENOMEM;
    t->altstack_base = s->sp;
    t->altstack_bytes = s->size;
    t->altstack_flags = (uint32_t)s->flags & SS_AUTODISARM;
    return 0;
}

long sys_sigaltstack(uint64_t new_stack, uint64_t old_stack);
long sys_sigaltstack(uint64_t new_stack, uint64_t old_stack)
{
    struct thread *t = this_thread();
    struct linux_stack in, out = altstack_now(t);
    if (new_stack) {
        if (copy_from_guest(&in, new_stack, sizeof(in)))
            return -EFAULT;
        if (on_altstack(t, t->frame.guest.x[2]))
            return -EPERM;
        long result = set_altstack(t, &in);
        if (result)
            return result;
    }
    return old_stack ? copy_to_guest(old_stack, &out, sizeof(out)) : 0;
}

long sys_rt_sigreturn(void);
long sys_rt_sigreturn(void)
{
    struct thread *t = this_thread();
    uint64_t *x = t->frame.guest.x;
    struct linux_sigframe f;
    uaddr_t at = x[2];
    if ((at & 15) || copy_from_guest(&f, at, sizeof(f))) {
        signal_self(SIGSEGV, SEGV_MAPERR, at);
        signals_deliver(t, false, 0);
        resume_full();
    }
    x[0] = f.uc.mcontext.pc;
    memcpy(&x[1], f.uc.mcontext.regs, sizeof(f.uc.mcontext.regs));
    fp_restore(&f.uc.mcontext.fp);
    set_altstack(t, &f.uc.stack);
    t->work &= ~WORK_MASK;
    set_blocked(t, f.uc.mask);
    signals_deliver(t, false, 0);
    resume_full();
}
