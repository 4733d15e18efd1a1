/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: see file.h for the calls that other modules use.
 */
#ifndef FS_FDTABLE_H
#define FS_FDTABLE_H

#include "process.h"

struct fd_table *fd_table_new(void);            /* NULL: no memory              */
struct fd_table *fd_table_copy(struct fd_table *);
static inline struct fd_table *fd_table_get(struct fd_table *t) { t->refs++; return t; }
/* The last one closes all; record locks are dropped in the name of `closer` (may be NULL). */
void fd_table_put(struct fd_table *, struct process *closer);
/* Users see the table in their descriptor pages. */
void fd_table_add_user(struct fd_table *, struct process *);
void fd_table_remove_user(struct fd_table *, struct process *);
/* p gets a table of its own. ERR_NO_MEMORY. */
error_t fd_table_unshare(struct process *);
void fd_table_close_on_exec(struct process *);

#endif
