/* SPDX-License-Identifier: MIT */
/* The actions that a byte of the input can name, in this order; actions.c has what
 * each reads. Append only: the corpus depends on the numbers. seeds.py reads this. */
#define KINDS(K) \
    K(call) K(reply_recv) K(send) K(nb_send) K(recv) K(nb_recv) K(reply) \
    K(signal) K(wait) K(signal_wait) K(yield) K(resume) K(resume_full) K(resume_fault) \
    K(vspace_copy) K(debug_write) K(trace_text) K(upcall_clear) K(batch) K(raw) \
    K(load) K(store) K(fetch) K(fp) K(illegal) K(irq) K(advance) K(nothing) \
    K(retype) K(untyped_info) \
    K(copy) K(mint) K(move) K(rotate) K(delete) K(revoke) K(cancel_badged) K(inspect) \
    K(configure) K(set_frame) K(set_personality) K(set_ipc_buffer) K(set_fault_ep) \
    K(write_regs) K(read_regs) K(copy_fpu) K(set_priority) K(set_hart) K(tcb_resume) \
    K(suspend) K(upcall) K(tcb_info) K(set_name) K(bind_notification) \
    K(sched_configure) K(sched_info) \
    K(vspace_init) K(reserve) K(map) K(protect) K(unmap) K(vspace_move) K(discard) \
    K(clone) K(query) K(populate) K(vspace_info) \
    K(set_limit) K(pool_info) K(add_memory) K(set_reserve) \
    K(resize) K(zero) K(segment_copy) K(segment_info) K(set_pager) K(collect_dirty) \
    K(irq_set) K(irq_ack) K(platform_irq) K(counters) K(platform_trace) \
    K(ipc_words) K(wait_alone) K(strip)
