/* SPDX-License-Identifier: MIT */
/* Control and status registers of the simulated harts (machine.c). Numbers as in
 * the real header. Reading sip and a full fence are points where another hart may
 * go on. */
#ifndef ATOLL_ARCH_CSR_H
#define ATOLL_ARCH_CSR_H

#include <stdint.h>

#define SSTATUS_FS_SHIFT  13
#define SSTATUS_FS_MASK   (3 << 13)
#define SSTATUS_FS_CLEAN  (2 << 13)
#define SSTATUS_FS_DIRTY  (3 << 13)

#define SIP_SSIP          (1 << 1)
#define SIP_STIP          (1 << 5)
#define SIP_SEIP          (1 << 9)

#define CAUSE_INTERRUPT   (1ul << 63)
#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS     1
#define CAUSE_ILLEGAL          2
#define CAUSE_BREAKPOINT       3
#define CAUSE_LOAD_MISALIGNED  4
#define CAUSE_LOAD_ACCESS      5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS     7
#define CAUSE_ECALL_U          8
#define CAUSE_FETCH_PAGE      12
#define CAUSE_LOAD_PAGE       13
#define CAUSE_STORE_PAGE      15

uint64_t machine_csr_read(const char *name);
void machine_csr_write(const char *name, uint64_t value);
void machine_set_timer(uint64_t when);
uint64_t machine_time(void);
void machine_wait_for_interrupt(void);
void machine_relax(void);
void machine_point(void);
void *machine_hart(void);
void machine_satp(uint64_t satp);

#define csr_read(name)     machine_csr_read(name)
#define csr_write(name, v) machine_csr_write(name, v)
#define csr_set(name, v)   machine_csr_write(name, machine_csr_read(name) | (uint64_t)(v))
#define csr_clear(name, v) machine_csr_write(name, machine_csr_read(name) & ~(uint64_t)(v))
#define csr_write_stimecmp(v) machine_set_timer(v)

static inline uint64_t read_time(void) { return machine_time(); }
static inline void wait_for_interrupt(void) { machine_wait_for_interrupt(); }
static inline void cpu_relax(void) { machine_relax(); }
static inline void fence_full(void) { machine_point(); }
static inline void fence_io(void) { }
static inline void *hart_pointer(void) { return machine_hart(); }
static inline void clear_reservation(void) { }
static inline void fence_instructions(void) { }
static inline void satp_write(uint64_t satp) { machine_satp(satp); }

#endif
