/* SPDX-License-Identifier: MIT */
/*
 * proc.exec's flags as the personality uses them: AT_* of execveat below bit 16,
 * above it who calls, so that the loader finds the old image's signal page. proc
 * passes them on unseen.
 */
#ifndef COMPAT_EXEC_FLAGS_H
#define COMPAT_EXEC_FLAGS_H

#define AT_SYMLINK_NOFOLLOW_ 0x100u
#define AT_EMPTY_PATH_       0x1000u
#define EXEC_FLAGS(at, area, index) ((at) | (uint32_t)(area) << 16 | (uint32_t)(index) << 24)
#define EXEC_AREA(flags)     ((flags) >> 16 & 0xffu)
#define EXEC_THREAD(flags)   ((flags) >> 24 & 0xffu)

#endif
