/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks: record locks of processes (POSIX), of open files (OFD), and
 * flock(2). See locks.c.
 */
#ifndef FS_LOCKS_H
#define FS_LOCKS_H

#include "file.h"

struct fd_table;
/* A descriptor of the inode was closed in this table: its record locks go. */
void locks_table_closed(struct fd_table *, struct file *);
/* The open file goes: its OFD and flock locks go. */
void locks_file_released(struct file *);
void locks_inode_destroyed(struct inode *);
/* Lines of /proc/locks. */
void locks_print(struct text *);

#endif
