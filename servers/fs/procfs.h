/* SPDX-License-Identifier: MIT */
/*
 * /proc. procfs.c has the tree and the file operations, procfs_system.c the
 * files about the system, procfs_process.c those about a process.
 */
#ifndef FS_PROCFS_H
#define FS_PROCFS_H

#include "process.h"
#include "text.h"
#include "vfs.h"

extern const struct fs_type procfs_type;
void procfs_init(void);

#define PROC_WRITE_MAX 128u

/* What a file is about. */
struct proc_target {
    struct process *process;        /* NULL for system files                    */
    struct process *reader;
    uint32_t pid, extra;            /* extra: descriptor or thread id           */
};

struct proc_node {
    const char *name;
    uint32_t mode;                  /* type and permission                      */
    /* Files: the content. May be MAY_YIELD when `blocks`. */
    error_t (*print)(struct text *, const struct proc_target *);
    bool blocks;
    /* Files that can be written: what was written, at most PROC_WRITE_MAX bytes. MAY_YIELD. */
    error_t (*write)(const struct proc_target *, const char *, size_t);
    /* Links: the text, or where they lead. */
    error_t (*text)(const struct proc_target *, char *text, size_t room, size_t *len);
    error_t (*follow)(const struct proc_target *, struct path *, struct file **);
    /* Directories. */
    const struct proc_node *children;
    uint32_t nr_children;
    /* Further children named by a number: is there one, and the first at or after it (-1: none). */
    const struct proc_node *numbered;
    bool (*number_exists)(const struct proc_target *, uint32_t number);
    int64_t (*number_next)(const struct proc_target *, uint32_t from, uint32_t *shown);
};

/* Set at start: where the kernel shows each hart's runnable threads. */
extern const volatile struct hart_page *fs_hart_page;

extern const struct proc_node proc_system_nodes[], proc_process_node;
/* /proc/atoll/servers: procfs_servers.c. */
error_t proc_print_servers(struct text *, const struct proc_target *);
error_t proc_write_servers(const struct proc_target *, const char *text, size_t len);
extern const uint32_t proc_nr_system_nodes;

/* The text of /proc/PID/fd/N. */
error_t proc_file_name(struct process *reader, struct file *, char *text, size_t room, size_t *len);
/* ptrace-like right to look into another process. */
bool proc_may_inspect(struct process *reader, struct process *target);
void proc_print_mounts(struct text *, struct process *reader, bool mountinfo);

#endif
