/* SPDX-License-Identifier: MIT */
/*
 * What fs's names, files and descriptors need around them in host tests: a
 * kernel with Segments in ordinary memory, requests without rings, processes
 * with pages that the test writes, a clock that the test sets.
 */
#ifndef NAMES_FAKES_H
#define NAMES_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fs_server.h"
#include "serve.h"
#include "mounts.h"
#include "open.h"
#include "process.h"
#include "tmpfs.h"
#include "vfs.h"

#define SLOT_A 16u
#define SLOT_B 17u

/* The kernel. */
extern uint64_t fake_pool_pages;            /* left; data pages come from here  */
extern unsigned fake_nr_segments;           /* objects ever made                */
extern unsigned fake_nr_mappings;           /* what SEGMENT_INFO tells for all  */
extern uint32_t fake_map_rights;            /* of the cap used by the last VSPACE_MAP: 1 full, 0 read-only */
extern uint64_t fake_ticks;

/* A root in memory and two root processes, A and B, in slots 16 and 17. Called once per test program. */
void fake_start(void);
/* Page of a slot. */
struct proc_page *fake_page(uint32_t slot);
/* Identity of a slot: not root has no capabilities. */
void fake_identity(uint32_t slot, uint32_t uid, uint32_t gid);
struct process *fake_process(uint32_t slot);

/* ---- requests ---- */
struct rpc_call fake_call(uint32_t slot, uint16_t method);
/* Answers of parked requests, newest last. */
struct fake_reply { uint16_t method; uint32_t client, token; error_t error; uint64_t done; struct fs_flock lock; };
extern struct fake_reply fake_replies[64];
extern unsigned fake_nr_replies;
extern unsigned fake_nr_parked;
/* Cancel the oldest parked request of a slot. */
void fake_cancel(uint32_t slot);
/* On a coroutine? */
extern bool fake_on_coroutine;

/* ---- short forms; each returns the error or the result ---- */
int64_t t_open(uint32_t slot, const char *path, uint32_t flags, uint32_t mode);
int64_t t_openat(uint32_t slot, int32_t dirfd, const char *path, uint32_t flags, uint32_t mode);
error_t t_close(uint32_t slot, int64_t fd);
int64_t t_read(uint32_t slot, int64_t fd, void *to, size_t bytes);
int64_t t_write(uint32_t slot, int64_t fd, const void *from, size_t bytes);
int64_t t_pread(uint32_t slot, int64_t fd, void *to, size_t bytes, uint64_t at);
int64_t t_pwrite(uint32_t slot, int64_t fd, const void *from, size_t bytes, uint64_t at);
int64_t t_lseek(uint32_t slot, int64_t fd, int64_t offset, uint32_t whence);
int64_t t_getdents(uint32_t slot, int64_t fd, void *to, size_t bytes);
error_t t_mkdir(uint32_t slot, const char *path, uint32_t mode);
error_t t_unlink(uint32_t slot, const char *path);
error_t t_rmdir(uint32_t slot, const char *path);
error_t t_symlink(uint32_t slot, const char *target, const char *path);
error_t t_link(uint32_t slot, const char *from, const char *to);
error_t t_rename(uint32_t slot, const char *from, const char *to, uint32_t flags);
error_t t_stat(uint32_t slot, const char *path, struct fs_stat *);
error_t t_lstat(uint32_t slot, const char *path, struct fs_stat *);
error_t t_fstat(uint32_t slot, int64_t fd, struct fs_stat *);
error_t t_chmod(uint32_t slot, const char *path, uint32_t mode);
error_t t_chown(uint32_t slot, const char *path, uint32_t uid, uint32_t gid);
error_t t_chdir(uint32_t slot, const char *path);
error_t t_access(uint32_t slot, const char *path, uint32_t mode);
error_t t_truncate(uint32_t slot, const char *path, uint64_t length);
error_t t_ftruncate(uint32_t slot, int64_t fd, uint64_t length);
int64_t t_readlink(uint32_t slot, const char *path, char *to, size_t room);
int64_t t_getcwd(uint32_t slot, char *to, size_t room);
/* An empty file. */
void t_touch(uint32_t slot, const char *path);

#endif
