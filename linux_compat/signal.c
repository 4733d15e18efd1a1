/* SPDX-License-Identifier: MIT */
/*
 * Delivery of signals, and faults of the guest.
 *
 * proc decides who gets a signal, sets its bit in the proc page and the thread's
 * upcall flag. The thread comes here from the upcall entry (it was in the guest)
 * or from the way out of a system call (thread.work is set whenever a wait ended
 * early or a mask changed). It takes the signal from proc (sig_take), so that of
 * several threads one gets it, and then runs the handler or asks proc for the
 * default action. Masks live in the signal page: written here, read by proc.
 *
 * A signal that an instruction caused, or SIGPIPE from an own write, needs no
 * proc: it waits in thread.forced.
 */
#include <string.h>
#include <proc_client.h>
#include "error.h"
#include "guest.h"
#include "mm.h"
#include "signal.h"
#include "start.h"
#include "vm.h"

void die(uint32_t signo, uaddr_t address, uaddr_t pc)
{
    proc_fatal(proc_client(), signo, address, pc);
    for (;;)
        thread_sleep(DEADLINE_NONE);
}

/* ---- masks ---- */

static uint64_t pending_mask(const struct thread *t)
{
    return __atomic_load_n(&t->ids->pending, __ATOMIC_RELAXED) |
           __atomic_load_n(&t->ids->thread[t->index].pending, __ATOMIC_RELAXED);
}

bool thread_signal_pending(const struct thread *t)
{
    return t->forced.signo || (pending_mask(t) & ~blocked_mask(t));
}

void set_blocked(struct thread *t, uint64_t mask)
{
    __atomic_store_n(&t->process->sig->thread[t->index].blocked, mask & ~SIG_UNBLOCKABLE, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (thread_signal_pending(t))
        t->work |= WORK_SIGNAL;
}

long sigmask_push(uaddr_t mask, uint64_t bytes)
{
    struct thread *t = this_thread();
    uint64_t new_mask;
    if (!mask)
        return 0;
    if (bytes != 8)
        return -EINVAL;
    if (get64(&new_mask, mask))
        return -EFAULT;
    t->saved_mask = blocked_mask(t);
    t->work |= WORK_MASK;
    set_blocked(t, new_mask);
    return 0;
}

void sigmask_pop(bool interrupted)
{
    struct thread *t = this_thread();
    if (!(t->work & WORK_MASK))
        return;
    if (interrupted) {
        t->work |= WORK_SIGNAL;
        return;
    }
    t->work &= ~WORK_MASK;
    set_blocked(t, t->saved_mask);
}

/* ---- dispositions ---- */

static bool is_ignored(const struct sig_action *a, unsigned signo)
{
    return a->handler == SIG_IGN || (a->handler == SIG_DFL && (SIG_DEFAULT_IGNORED & SIGBIT(signo)));
}

static uint64_t with_bit(uint64_t set, uint64_t bit, bool on) { return on ? set | bit : set & ~bit; }

/* After a change of one action only. */
static void publish_disposition(const struct sig_hand *hand, unsigned n)
{
    const struct sig_action *a = &hand->action[n - 1];
    uint32_t live = vm.area_live;
    for (uint32_t area = 0; live; area++, live >>= 1) {
        struct sig_page *sig = process_at(area)->sig;
        if (!(live & 1) || process_at(area)->hand != hand)
            continue;
        sig->ignored = with_bit(sig->ignored, SIGBIT(n), is_ignored(a, n));
        sig->defaulted = with_bit(sig->defaulted, SIGBIT(n), a->handler == SIG_DFL);
        if (n == SIGCHLD) {
            sig->no_child_wait = a->handler == SIG_IGN || (a->flags & SA_NOCLDWAIT);
            sig->no_child_stop = (a->flags & SA_NOCLDSTOP) != 0;
        }
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void publish_dispositions(const struct sig_hand *hand)
{
    uint64_t ignored = 0, defaulted = 0;
    for (unsigned n = 1; n <= NSIG; n++) {
        if (is_ignored(&hand->action[n - 1], n))
            ignored |= SIGBIT(n);
        if (hand->action[n - 1].handler == SIG_DFL)
            defaulted |= SIGBIT(n);
    }
    const struct sig_action *child = &hand->action[SIGCHLD - 1];
    for (uint32_t live = vm.area_live; live; live &= live - 1) {
        struct process *p = process_at((uint32_t)__builtin_ctz(live));
        if (p->hand != hand)
            continue;
        p->sig->ignored = ignored;
        p->sig->defaulted = defaulted;
        p->sig->no_child_wait = child->handler == SIG_IGN || (child->flags & SA_NOCLDWAIT);
        p->sig->no_child_stop = (child->flags & SA_NOCLDSTOP) != 0;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void dispositions_reset(struct sig_hand *hand, uint64_t ignored)
{
    memset(hand->action, 0, sizeof(hand->action));
    for (unsigned n = 1; n <= NSIG; n++)
        if (ignored & SIGBIT(n) & ~SIG_UNBLOCKABLE)
            hand->action[n - 1].handler = SIG_IGN;
}

long sys_rt_sigaction(uint64_t signo, uint64_t act, uint64_t old, uint64_t bytes);
long sys_rt_sigaction(uint64_t signo, uint64_t act, uint64_t old, uint64_t bytes)
{
    struct sig_hand *hand = this_process()->hand;
    struct linux_sigaction in, out;
    uint32_t n = (uint32_t)signo;
    if (bytes != 8 || !n || n > NSIG || (act && (SIG_UNBLOCKABLE & SIGBIT(n))))
        return -EINVAL;
    if (act && copy_from_guest(&in, act, sizeof(in)))
        return -EFAULT;
    lock_take(&hand->lock);
    struct sig_action *a = &hand->action[n - 1];
    out = (struct linux_sigaction){ a->handler, a->flags, a->mask };
    bool ignored = false;
    if (act) {
        a->handler = in.handler;
        a->flags = in.flags & SA_KNOWN;
        a->mask = in.mask & ~SIG_UNBLOCKABLE;
        publish_disposition(hand, n);
        ignored = is_ignored(a, n);
    }
    lock_give(&hand->lock);
    if (ignored && (pending_mask(this_thread()) & SIGBIT(n)))
        proc_sig_ignored(proc_client(), SIGBIT(n));
    return old ? copy_to_guest(old, &out, sizeof(out)) : 0;
}

/* ---- signals that the thread does to itself ---- */

/* As Linux forces a synchronous signal: neither a mask nor SIG_IGN stops it. */
static void force(struct thread *t, uint32_t signo, int32_t code, uaddr_t address)
{
    struct sig_hand *hand = t->process->hand;
    bool blocked = blocked_mask(t) & SIGBIT(signo);
    lock_take(&hand->lock);
    struct sig_action *a = &hand->action[signo - 1];
    if (blocked || a->handler == SIG_IGN) {
        a->handler = SIG_DFL;
        publish_dispositions(hand);
    }
    lock_give(&hand->lock);
    if (blocked)
        set_blocked(t, blocked_mask(t) & ~SIGBIT(signo));
    t->forced = (struct sig_info){ .signo = signo, .code = code, .address = address };
    t->work |= WORK_SIGNAL;
}

void signal_self(uint32_t signo, int32_t code, uaddr_t address)
{
    struct thread *t = this_thread();
    if (SIG_SYNCHRONOUS & SIGBIT(signo)) {
        force(t, signo, code, address);
        return;
    }
    const struct sig_action *a = &t->process->hand->action[signo - 1];
    if (!t->forced.signo && !(blocked_mask(t) & SIGBIT(signo))) {
        if (is_ignored(a, signo))
            return;
        t->forced = (struct sig_info){ .signo = signo, .code = code, .pid = t->ids->pid, .uid = t->ids->ruid };
        t->work |= WORK_SIGNAL;
        return;
    }
    /* Blocked: it must become visible as pending. */
    proc_tgkill(proc_client(), (int32_t)t->ids->pid, (int32_t)t->tid, signo, code, 0);
}

/* kill and the like, aimed at the calling thread: one that has a handler, is not
 * blocked and would be the next anyway needs no proc. False: ask proc. */
bool signal_to_oneself(struct thread *t, uint32_t signo, int32_t code)
{
    if (!signo || t->forced.signo || (blocked_mask(t) & SIGBIT(signo)) || thread_signal_pending(t) ||
        t->process->hand->action[signo - 1].handler <= SIG_IGN)
        return false;
    t->forced = (struct sig_info){ .signo = signo, .code = code, .pid = t->ids->pid, .uid = t->ids->ruid };
    t->work |= WORK_SIGNAL;
    return true;
}

/* ---- delivery ---- */

void siginfo_from_proc(struct sig_info *to, const struct proc_siginfo *from)
{
    *to = (struct sig_info){
        .signo = from->signo <= NSIG ? from->signo : 0, .code = from->code, .error = from->error, .pid = from->pid,
        .uid = from->uid, .status = from->status, .value = from->value, .address = from->address,
        .utime = from->utime, .stime = from->stime,
    };
}

static bool take_any(struct thread *t, struct sig_info *info)
{
    if (t->forced.signo) {
        *info = t->forced;
        t->forced.signo = 0;
        return true;
    }
    uint64_t allowed = ~blocked_mask(t);
    if (!(pending_mask(t) & allowed))
        return false;
    struct proc_siginfo taken;
    if (proc_sig_take(proc_client(), t->index, allowed, &taken) || !taken.signo)
        return false;
    siginfo_from_proc(info, &taken);
    return info->signo != 0;
}

/* The next signal that has a handler; carries out default actions on the way. */
static bool next_handled(struct thread *t, struct sig_info *info, struct sig_action *action)
{
    struct sig_hand *hand = t->process->hand;
    for (;;) {
        bool forced = t->forced.signo != 0;
        if (!take_any(t, info))
            return false;
        lock_take(&hand->lock);
        struct sig_action *a = &hand->action[info->signo - 1];
        *action = *a;
        if (a->handler > SIG_IGN && (a->flags & SA_RESETHAND)) {
            a->handler = SIG_DFL;
            publish_disposition(hand, info->signo);
        }
        lock_give(&hand->lock);
        if (action->handler > SIG_IGN)
            return true;
        if (forced && action->handler == SIG_DFL && (SIG_SYNCHRONOUS & SIGBIT(info->signo)))
            die(info->signo, info->address, t->frame.guest.x[0]);
        if (!is_ignored(action, info->signo))
            proc_default_action(proc_client(), t->index, info->signo);
    }
}

/* The result of an interrupted call once it is known whether a handler runs. */
static void settle_result(struct thread *t, const struct sig_action *action, uint64_t a0)
{
    uint64_t *x = t->frame.guest.x;
    bool again;
    switch (-(int64_t)x[10]) {
    case ERESTARTNOINTR: again = true; break;
    case ERESTARTSYS: again = !action || (action->flags & SA_RESTART); break;
    case ERESTARTNOHAND: again = !action; break;
    case ERESTART_RESTARTBLOCK:
        again = !action;
        if (again)
            x[17] = 128;        /* restart_syscall */
        break;
    default:
        return;
    }
    if (again) {
        x[10] = a0;
        x[0] -= 4;
    } else {
        x[10] = (uint64_t)-EINTR;
    }
}

void signals_deliver(struct thread *t, bool in_call, uint64_t a0)
{
    struct sig_info info;
    struct sig_action action;
    bool settled = !in_call;
    do {
        t->work &= ~WORK_SIGNAL;
        while (next_handled(t, &info, &action)) {
            if (!settled)
                settle_result(t, &action, a0);
            settled = true;
            uint64_t mask = blocked_mask(t);
            uint64_t old = t->work & WORK_MASK ? t->saved_mask : mask;
            if (sigframe_push(t, &info, &action, old)) {
                if (info.signo == SIGSEGV)
                    t->process->hand->action[SIGSEGV - 1].handler = SIG_DFL;
                force(t, SIGSEGV, SI_KERNEL, 0);
                continue;
            }
            t->work &= ~WORK_MASK;
            set_blocked(t, mask | action.mask | (action.flags & SA_NODEFER ? 0 : SIGBIT(info.signo)));
        }
        if (!settled)
            settle_result(t, NULL, a0);
        settled = true;
        if (t->work & WORK_MASK) {
            t->work &= ~WORK_MASK;
            set_blocked(t, t->saved_mask);
        }
    } while (t->work & WORK_SIGNAL && thread_signal_pending(t));
    t->work &= ~WORK_SIGNAL;
}

/* Back when there is some memory; not back when this process has to go for it. */
void memory_wait(const struct thread *t)
{
    if (proc_memory_wait(proc_client()))
        die(SIGKILL, t->frame.guest.value, t->frame.guest.x[0]);
}

/* entry.S: a call returned and work is due. */
void syscall_exit_work(long result);
void syscall_exit_work(long result)
{
    struct thread *t = this_thread();
    uint64_t a0 = t->frame.guest.x[10];
    if (t->work & WORK_MEMORY) {
        t->work &= ~WORK_MEMORY;
        if (result == -EFAULT) {
            memory_wait(t);
            result = -ERESTARTNOINTR;
        }
    }
    t->frame.guest.x[10] = (uint64_t)result;
    signals_deliver(t, true, a0);
}

/* ---- faults ---- */

static void guest_fault(struct thread *t)
{
    const struct upcall_regs *r = &t->frame.guest;
    switch (r->cause) {
    case 0: case 4: case 6:         /* misaligned */
        force(t, SIGBUS, BUS_ADRALN, r->value);
        break;
    case 2:
        force(t, SIGILL, ILL_ILLOPC, r->x[0]);
        break;
    case 3:
        force(t, SIGTRAP, TRAP_BRKPT, r->x[0]);
        break;
    case 1: case 5: case 7:         /* access faults */
    case 12: case 13: case 15:      /* page faults */
        force(t, SIGSEGV, mm_fault_code(r->value), r->value);
        break;
    case UPCALL_SEGMENT:
        force(t, SIGBUS, BUS_ADRERR, r->value);
        break;
    case UPCALL_NO_MEMORY:      /* the instruction is tried again when there is some */
        memory_wait(t);
        break;
    default:
        die(SIGILL, r->value, r->x[0]);
    }
}

/* entry.S: everything that is no system call. */
void upcall_main(void);
void upcall_main(void)
{
    struct thread *t = this_thread();
    if (t->frame.guest.cause == UPCALL_START)
        start_thread(t);
    else if (t->frame.guest.cause != UPCALL_FLAG)
        guest_fault(t);
    signals_deliver(t, false, 0);
}
