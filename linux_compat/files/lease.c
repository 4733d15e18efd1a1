/* SPDX-License-Identifier: MIT */
/* The table of leased answers: see lease.h. */
#include "lease.h"

struct leases *leases_make(void)
{
    struct process *p = this_process();
    struct leases *l = (struct leases *)(PERS_AREA(p->area) + AREA_LEASES);

    if (p->leases)
        return p->leases;
    /* Its page is demand-zero: take it where running out of memory is no fault. */
    if (guest_store64_raw(&l->touched, 1))
        return NULL;
    return p->leases = l;
}

bool lease_begin(struct lease *l)
{
    uint32_t version = __atomic_load_n(&l->version, __ATOMIC_RELAXED);

    if ((version & 1) || !__atomic_compare_exchange_n(&l->version, &version, version + 1, false, __ATOMIC_ACQUIRE,
                                                      __ATOMIC_RELAXED))
        return false;
    __atomic_thread_fence(__ATOMIC_RELEASE);    /* odd before the content changes */
    return true;
}

void lease_end(struct lease *l, uint32_t key, uint32_t seq)
{
    l->key = key;
    l->seq = seq;
    __atomic_store_n(&l->version, l->version + 1, __ATOMIC_RELEASE);
}
