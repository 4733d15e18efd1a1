/* SPDX-License-Identifier: MIT */
/* Included before each file of the machine (not the driver): all its variables
 * lie in two sections, which the driver puts back before each input. */
#pragma clang section bss="machine_bss" data="machine_data"

/* Of two threads, so that what is left for the next portion is often met. */
#define MAILBOX_PORTION 40u
