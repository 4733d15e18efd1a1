/* SPDX-License-Identifier: MIT */
/* See platform.h. The finisher's register takes the status in the upper half
 * and a command in the lower one (0x5555 pass, 0x3333 fail, 0x7777 reset). */
#include "object/platform.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/sbi.h"
#include "kernel/cspace.h"
#include "kernel/hart.h"
#include "kernel/print.h"
#include "kernel/trace.h"
#include "kernel/tree.h"
#include "kernel/usercopy.h"
#include "object/irq.h"
#include "object/tcb.h"

paddr_t platform_finisher;

void platform_shutdown(unsigned status, bool reboot)
{
    if (platform_finisher != 0) {
        volatile uint32_t *reg = phys_to_kva(platform_finisher);
        *reg = reboot ? 0x7777 : status == 0 ? 0x5555 : (status & 0xff) << 16 | 0x3333;
        fence_io();
    }
    if (!reboot)    /* tools/atoll_build/machines.py: not every machine has a switch */
        kprint("atoll: halted, status %u\n", status);
    sbi_shutdown(status != 0, reboot);
}

static error_t make_irq(struct invoke *inv)
{
    struct irq *irq = inv->arg[0] <= UINT32_MAX ? irq_object((uint32_t)inv->arg[0]) : NULL;
    struct slot_ref dst;
    error_t err = cspace_find(inv->caller, inv->arg[1], &dst);

    if (irq == NULL)
        return ERR_INVALID_ARGUMENT;
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    if (!slot_ref_valid(&dst) || inv->slot->word0 != inv->word)
        err = ERR_INVALID_CAP;
    else if (!slot_is_empty(dst.slot))
        err = ERR_SLOT_OCCUPIED;
    else if (irq->in_use)
        err = ERR_BUSY;
    if (err == 0) {
        irq->in_use = true;
        tree_add_child(inv->slot, dst.slot);
        slot_set(dst.slot, cap_word(CAP_TYPE_IRQ, irq, RIGHTS_ALL, 0), 0);
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t read_counters(struct invoke *inv)
{
    if (inv->arg[1] >= nr_harts)
        return ERR_INVALID_ARGUMENT;
    const struct hart *h = &harts[inv->arg[1]];
    struct kernel_counters c = h->counters;

    c.nr_syscalls += h->nr_fast_switches;
    c.nr_switches += h->nr_fast_switches;
    c.nr_reflections = h->nr_reflections;
    c.nr_resumes = h->nr_resumes;
    /* passes counts every entry but these two, and idle polls with it. */
    c.nr_traps = h->passes + h->nr_reflections + h->nr_resumes;
    return copy_to_user(inv->caller->vspace, inv->arg[0], &c, sizeof(c));
}

error_t platform_decode(struct invoke *inv)
{
    switch (inv->op) {
    case PLATFORM_IRQ:
        return inv->rights & RIGHT_CONTROL ? make_irq(inv) : ERR_RIGHTS;
    case PLATFORM_SHUTDOWN:
        if (!(inv->rights & RIGHT_CONTROL))
            return ERR_RIGHTS;
        platform_shutdown((unsigned)inv->arg[0] & 0xff, inv->arg[1] == 1);
    case PLATFORM_COUNTERS:
        return inv->rights & RIGHT_READ ? read_counters(inv) : ERR_RIGHTS;
    case PLATFORM_TRACE:
        return inv->rights & RIGHT_CONTROL ? trace_switch(inv->arg[0] == 1) : ERR_RIGHTS;
    default:
        return ERR_INVALID_CALL;
    }
}
