/* SPDX-License-Identifier: MIT */
/*
 * System calls: ecall from user mode at a pc that is not reflected (any pc of
 * a native thread; a pc at or above the personality base of a guest thread).
 *
 * Registers: a7 = number, a0..a6 = arguments. On return a0 = 0 or a negative
 * error, a1.. = results. All other registers are preserved, except that the
 * registers named as results may hold anything after an error.
 */
#ifndef ATOLL_ABI_SYSCALL_H
#define ATOLL_ABI_SYSCALL_H

#include <atoll/types.h>

enum {
    /* Endpoint IPC. a0 = endpoint or reply cptr, a1 = message info,
     * a2..a5 = message words 0..3; further words and capabilities are in the
     * IPC buffer. Results: a0 = error, a1 = info, a2..a5 = words, a6 = badge. */
    SYS_CALL        = 0,    /* a0 = endpoint                                    */
    SYS_REPLY_RECV  = 1,    /* a0 = endpoint to receive on; a6 = reply object
                             * that is answered, and used for the next call     */
    SYS_SEND        = 2,
    SYS_NB_SEND     = 3,
    SYS_RECV        = 4,    /* a0 = endpoint, a6 = reply object or 0            */
    SYS_NB_RECV     = 5,
    SYS_REPLY       = 6,    /* a0 = reply object                                */

    /* Notifications. */
    SYS_SIGNAL      = 8,    /* a0 = notification                                */
    SYS_WAIT        = 9,    /* a0 = notification, a1 = deadline; -> a1 = bits   */
    SYS_SIGNAL_WAIT = 10,   /* a0 = to signal, a1 = to wait for, a2 = deadline;
                             * -> a1 = bits                                     */

    SYS_INVOKE      = 12,   /* a0 = cptr, a1 = operation, a2..a6 = arguments;
                             * -> a1 = result                                   */
    SYS_BATCH       = 13,   /* a0 = array of struct invocation, a1 = count;
                             * -> a1 = number done; stops at the first error,
                             * which a0 gives                                   */
    SYS_YIELD       = 14,
    SYS_RESUME      = 15,   /* guest threads: back to the guest, frame.h        */
    SYS_RESUME_FULL = 16,   /* the same, all registers from the frame           */
    SYS_VSPACE_COPY = 17,   /* a0 = vspace, a1 = its address, a2 = own address,
                             * a3 = length, a4 = 0 from it, 1 into it;
                             * -> a1 = bytes done (may be short, then a0=FAULT) */
    SYS_DEBUG_WRITE = 18,   /* a0 = platform cap, a1 = address, a2 = length: to
                             * the kernel's console                             */
    SYS_UPCALL_CLEAR= 19,   /* guest threads: clear own sticky upcall flag,
                             * -> a1 = its former value                         */
    SYS_RESUME_FAULT= 20,   /* guest threads: all registers from frame.fault,
                             * whose fault_active is cleared                   */
    SYS_TRACE       = 21,   /* a0 = platform cap, a1 = address, a2 = length up
                             * to TRACE_TEXT_MAX: a line of trace, trace.h      */
    SYS_COUNT
};

/* Message info: bits 0..6 length in words, bits 7..8 number of caps,
 * bits 16..63 label (free for the user). */
#define MSG_INFO(label, len, caps) \
    (((uint64_t)(label) << 16) | ((uint64_t)(caps) << 7) | (uint64_t)(len))
#define MSG_LEN(info)   ((unsigned)((info) & 0x7f))
#define MSG_CAPS(info)  ((unsigned)(((info) >> 7) & 0x3))
#define MSG_LABEL(info) ((info) >> 16)
/* Labels of messages that the kernel makes. A fault message has the words
 * cause (scause, or UPCALL_* of frame.h), value, pc, sp; its reply restarts the
 * instruction when its label is 0 and leaves the thread stopped otherwise. A
 * receive that ends through the bound notification has no words; the bits are
 * in a6. */
#define MSG_LABEL_FAULT        0xfffffffffffful
#define MSG_LABEL_NOTIFICATION 0xfffffffffffeul
#define MSG_REG_WORDS   4
#define MSG_MAX_WORDS   64
#define MSG_MAX_CAPS    3

/* One page of a thread, set by TCB_SET_IPC_BUFFER; words[i] is message word
 * MSG_REG_WORDS + i. */
struct ipc_buffer {
    uint64_t words[MSG_MAX_WORDS - MSG_REG_WORDS];
    cptr_t   caps[MSG_MAX_CAPS];    /* sender: caps to copy                    */
    cptr_t   recv_slots[MSG_MAX_CAPS]; /* receiver: empty slots for them       */
    uint64_t recv_badges[MSG_MAX_CAPS];
    uint64_t nr_caps_received;
};

/* One entry of SYS_BATCH. The kernel copies an entry before it looks at it, and up
 * to 16 together: what an entry does to the following ones may come too late. */
struct invocation {
    cptr_t   cap;
    uint32_t op;
    int32_t  error;         /* out: 0 or negative                              */
    uint64_t arg[5];        /* as a2..a6 of SYS_INVOKE                         */
    uint64_t result;        /* out: as a1                                      */
};
_Static_assert(sizeof(struct invocation) == 64, "batch entries are one cache line");

#endif
