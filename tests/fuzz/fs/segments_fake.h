/* SPDX-License-Identifier: MIT */
/* The kernel as fs sees it: Segments, with pages only where something was written. */
#ifndef TESTS_FUZZ_FS_SEGMENTS_FAKE_H
#define TESTS_FUZZ_FS_SEGMENTS_FAKE_H

#include <atoll/errors.h>
#include <atoll/types.h>

/* a[0]: capability, a[1]: operation, then the arguments; the result goes to a[1]. */
error_t fake_segments_invoke(uint64_t a[7]);

#endif
