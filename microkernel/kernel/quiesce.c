/* SPDX-License-Identifier: MIT */
/* See quiesce.h. */
#include "kernel/quiesce.h"

#include "arch/riscv/csr.h"
#include "kernel/mailbox.h"

static uint64_t noted[MAX_HARTS];   /* tree lock */
static unsigned tries;

void quiesce_mark(void)
{
    fence_full();
    for (unsigned i = 0; i < nr_harts; i++)
        noted[i] = __atomic_load_n(&harts[i].passes, __ATOMIC_RELAXED);
    tries = 0;
}

bool quiesce_reached(void)
{
    bool all = true;

    fence_full();
    for (unsigned i = 0; i < nr_harts; i++) {
        struct hart *h = &harts[i];
        if (h == this_hart() || !h->online || __atomic_load_n(&h->asleep, __ATOMIC_ACQUIRE))
            continue;
        if (__atomic_load_n(&h->passes, __ATOMIC_ACQUIRE) - noted[i] >= 2)
            continue;
        all = false;
        if (tries >= 2)
            mailbox_post_hart(h, HART_OP_QUIESCE);
    }
    tries++;
    return all;
}

void quiesce_pass(struct hart *h)
{
    fence_full();
    __atomic_store_n(&h->passes, h->passes + 2, __ATOMIC_RELEASE);
}
