/* SPDX-License-Identifier: MIT */
/* See quiesce.h. Marks like [mark] are those of tests/models/quiesce.pml. */
#include "kernel/quiesce.h"

#include "arch/riscv/csr.h"
#include "kernel/mailbox.h"

static uint64_t noted[MAX_HARTS];   /* tree lock */
static unsigned tries;

void quiesce_mark(void)         /* [mark] */
{
    fence_full();       /* the slot is empty, or a zombie, for all harts */
    for (unsigned i = 0; i < nr_harts; i++)
        noted[i] = __atomic_load_n(&harts[i].passes, __ATOMIC_RELAXED);
    tries = 0;
}

bool quiesce_reached(void)      /* [reached] */
{
    bool all = true;

    for (unsigned i = 0; i < nr_harts; i++) {
        struct hart *h = &harts[i];
        if (h == this_hart() || !h->online || __atomic_load_n(&h->asleep, __ATOMIC_ACQUIRE))
            continue;
        if (__atomic_load_n(&h->passes, __ATOMIC_ACQUIRE) != noted[i])
            continue;
        all = false;
        if (tries >= 2)
            mailbox_post_hart(h, HART_OP_QUIESCE);
    }
    tries++;
    return all;
}
