/* SPDX-License-Identifier: MIT */
/* See names_fakes.h. */
#include "handles.h"
#include "names_fakes.h"

#include <assert.h>

#include <libipc/syscall.h>

#include "devices.h"
#include "mounts.h"
#include "peers.h"
#include "random.h"
#include "segments.h"
#include "sessions.h"

/* ---- the kernel ---- */
#define MAX_SEGMENTS 20000u
struct fake_segment { cptr_t cap, read_only; uint64_t nr_pages; uint8_t **page; };

static struct fake_segment fake_segments[MAX_SEGMENTS];
unsigned fake_nr_segments, fake_nr_mappings;
uint64_t fake_pool_pages = 1 << 20, fake_ticks = 1;
uint32_t fake_map_rights;

static struct fake_segment *segment_of(cptr_t cap)
{
    for (unsigned i = fake_nr_segments; i-- > 0;)
        if (fake_segments[i].cap == cap || fake_segments[i].read_only == cap)
            return &fake_segments[i];
    return NULL;
}

static void page_drop(struct fake_segment *s, uint64_t i)
{
    if (s->page[i])
        fake_pool_pages++;
    free(s->page[i]);
    s->page[i] = NULL;
}

static error_t fake_resize(struct fake_segment *s, uint64_t nr)
{
    for (uint64_t i = nr; i < s->nr_pages; i++)
        page_drop(s, i);
    s->page = realloc(s->page, (nr ? nr : 1) * sizeof *s->page);
    for (uint64_t i = s->nr_pages; i < nr; i++)
        s->page[i] = NULL;
    s->nr_pages = nr;
    return 0;
}

static error_t fake_copy(struct fake_segment *s, uint64_t at, uint8_t *memory, uint64_t bytes, bool in, uint64_t *done)
{
    *done = 0;
    if (at + bytes > s->nr_pages * PAGE_BYTES)
        bytes = at < s->nr_pages * PAGE_BYTES ? s->nr_pages * PAGE_BYTES - at : 0;
    while (*done < bytes) {
        uint64_t page = (at + *done) / PAGE_BYTES, off = (at + *done) % PAGE_BYTES, n = PAGE_BYTES - off;

        n = n < bytes - *done ? n : bytes - *done;
        if (in && !s->page[page]) {
            if (!fake_pool_pages)
                return ERR_NO_MEMORY;
            fake_pool_pages--;
            s->page[page] = calloc(1, PAGE_BYTES);
        }
        if (in)
            memcpy(s->page[page] + off, memory + *done, n);
        else if (s->page[page])
            memcpy(memory + *done, s->page[page] + off, n);
        else
            memset(memory + *done, 0, n);
        *done += n;
    }
    return 0;
}

static error_t fake_zero(struct fake_segment *s, uint64_t at, uint64_t bytes)
{
    uint64_t end = at + bytes;

    assert(end <= s->nr_pages * PAGE_BYTES);
    while (at < end) {
        uint64_t off = at % PAGE_BYTES, n = PAGE_BYTES - off < end - at ? PAGE_BYTES - off : end - at;

        if (n == PAGE_BYTES)
            page_drop(s, at / PAGE_BYTES);
        else if (s->page[at / PAGE_BYTES])
            memset(s->page[at / PAGE_BYTES] + off, 0, n);
        at += n;
    }
    return 0;
}

static error_t segment_call(struct fake_segment *s, uint64_t op, const uint64_t *a, uint64_t *result)
{
    switch (op) {
    case SEGMENT_RESIZE: return fake_resize(s, a[2]);
    case SEGMENT_ZERO: return fake_zero(s, a[2], a[3]);
    case SEGMENT_COPY: return fake_copy(s, a[2], (uint8_t *)(uintptr_t)a[4], a[5], a[6], result);
    case SEGMENT_INFO:
        *(struct segment_info *)(uintptr_t)a[2] = (struct segment_info){ .size_pages = s->nr_pages,
                                                                         .nr_mappings = fake_nr_mappings };
        return 0;
    }
    return ERR_INVALID_CALL;
}

error_t host_syscall(uint64_t nr, uint64_t a[7])
{
    uint64_t op = a[1], result = 0;
    struct fake_segment *s;
    error_t e = 0;

    if (nr == SYS_DEBUG_WRITE)
        return 0;
    if (nr == SYS_VSPACE_COPY) {
        if (a[4])
            memcpy((void *)(uintptr_t)a[1], (void *)(uintptr_t)a[2], a[3]);
        else
            memcpy((void *)(uintptr_t)a[2], (void *)(uintptr_t)a[1], a[3]);
        a[1] = a[3];
        return 0;
    }
    assert(nr == SYS_INVOKE);
    if (op == UNTYPED_RETYPE) {
        if (a[2] == CAP_TYPE_SEGMENT) {
            if (fake_nr_segments == MAX_SEGMENTS)
                return ERR_NO_MEMORY;
            assert(!segment_of(a[4]) || fake_nr_segments > 64);
            fake_segments[fake_nr_segments++] = (struct fake_segment){ .cap = a[4] };
        }
    } else if (op == CNODE_COPY) {
        s = segment_of(a[3]);
        assert(s && !(a[4] & RIGHT_WRITE));
        s->read_only = CAP_IN(a[0], a[2]);
    } else if (op == POOL_INFO) {
        *(struct pool_info *)(uintptr_t)a[3] = (struct pool_info){ .total_pages = 1 << 20,
                                                                   .free_pages = fake_pool_pages };
    } else if (op == VSPACE_MAP) {
        s = segment_of(a[5]);
        assert(s);
        fake_map_rights = s->cap == a[5];
    } else if (op == VSPACE_RESERVE || op == POOL_SET_LIMIT) {
        ;
    } else {
        s = segment_of(a[0]);
        assert(s);
        e = segment_call(s, op, a, &result);
    }
    a[1] = result;
    return e;
}

/* ---- executor ---- */
bool fake_on_coroutine;
ticks_t exec_now(void) { return fake_ticks += 1; }
struct coro *coro_self(void) { return fake_on_coroutine ? (struct coro *)1 : NULL; }
void exec_timer_set(struct exec_timer *t, ticks_t deadline) { t->armed = true; t->deadline = deadline; }
void exec_timer_cancel(struct exec_timer *t) { t->armed = false; }
void exec_get_stats(struct exec_stats *s) { memset(s, 0, sizeof *s); }
void coro_get_stats(struct coro_stats *s) { memset(s, 0, sizeof *s); }
struct fs_time fs_now(void) { return (struct fs_time){ (int64_t)++fake_ticks, 0 }; }
int64_t fs_seconds(void) { return fs_now().s; }

/* ---- requests ---- */
struct fake_reply fake_replies[64];
unsigned fake_nr_replies, fake_nr_parked;
static struct rpc_call *parked_calls[64];
static uint32_t next_token;

struct rpc_call fake_call(uint32_t slot, uint16_t method)
{
    return (struct rpc_call){ .client = slot, .method = method, .token = next_token++ };
}

struct rpc_call *rpc_park(struct rpc_call *call, void (*on_cancel)(struct rpc_call *), void *context)
{
    struct rpc_call *copy = malloc(sizeof *copy);

    *copy = *call;
    copy->on_cancel = on_cancel;
    copy->context = context;
    parked_calls[fake_nr_parked++] = copy;
    return copy;
}

void fake_cancel(uint32_t slot)
{
    for (unsigned i = 0; i < fake_nr_parked; i++) {
        if (parked_calls[i]->client == slot) {
            parked_calls[i]->cancelled = true;
            parked_calls[i]->on_cancel(parked_calls[i]);
            return;
        }
    }
}

static void answer(struct rpc_call *call, error_t e, uint64_t done, const struct fs_flock *lock)
{
    fake_replies[fake_nr_replies % 64] = (struct fake_reply){ .method = call->method, .client = call->client,
                                                              .token = call->token, .error = e, .done = done };
    if (lock)
        fake_replies[fake_nr_replies % 64].lock = *lock;
    fake_nr_replies++;
    for (unsigned i = 0; i < fake_nr_parked; i++) {
        if (parked_calls[i] == call) {
            memmove(&parked_calls[i], &parked_calls[i + 1], (--fake_nr_parked - i) * sizeof parked_calls[0]);
            free(call);
            return;
        }
    }
}

#define REPLY(m) \
    void fs_##m##_reply(struct rpc_call *c, error_t e, const struct fs_##m##_out *o) { answer(c, e, o->done, NULL); }
REPLY(read) REPLY(write) REPLY(pread) REPLY(pwrite) REPLY(readv) REPLY(writev) REPLY(transfer)
void fs_openat_reply(struct rpc_call *c, error_t e, const struct fs_openat_out *o) { answer(c, e, (uint32_t)o->fd, NULL); }
void fs_lock_reply(struct rpc_call *c, error_t e, const struct fs_lock_out *o) { answer(c, e, 0, &o->result); }
void rpc_complete(struct rpc_call *c, error_t e) { answer(c, e, 0, NULL); }

error_t rpc_buf_read(struct rpc_call *call, const struct rpc_buf *b, uint64_t at, void *to, size_t bytes)
{
    (void)call;
    if (at + bytes > b->bytes)
        return ERR_RANGE;
    memcpy(to, (uint8_t *)(b->local ? b->local : (void *)(uintptr_t)b->address) + at, bytes);
    return 0;
}

error_t rpc_buf_write(struct rpc_call *call, const struct rpc_buf *b, uint64_t at, const void *from, size_t bytes)
{
    (void)call;
    if (at + bytes > b->bytes)
        return ERR_RANGE;
    memcpy((uint8_t *)(b->local ? b->local : (void *)(uintptr_t)b->address) + at, from, bytes);
    return 0;
}

error_t rpc_client_read(struct rpc_call *call, uint64_t address, void *to, size_t bytes)
{
    (void)call;
    if (!address)
        return ERR_FAULT;
    memcpy(to, (void *)(uintptr_t)address, bytes);
    return 0;
}

error_t rpc_client_write(struct rpc_call *call, uint64_t address, const void *from, size_t bytes)
{
    (void)call;
    if (!address)
        return ERR_FAULT;
    memcpy((void *)(uintptr_t)address, from, bytes);
    return 0;
}

/* ---- processes ---- */
static struct proc_page proc_pages[NR_SLOTS];
static struct sig_page sig_pages[NR_SLOTS];
static struct fd_word fd_pages[64][FD_WORDS];
static struct time_page time_page;
static struct server_info info = { .timebase_hz = 1000, .nr_harts = 1, .guest_hart_mask = 1, .command_line = "test" };
const struct server_info *fs_info = &info;
struct rpc_client proc_peer, time_peer[MAX_SHARDS];
uint32_t nr_time_peers = 1;

void sessions_open(uint32_t slot) { (void)slot; }
void sessions_close(uint32_t slot) { (void)slot; }
const volatile struct proc_page *pages_proc(uint32_t slot) { return &proc_pages[slot]; }
const volatile struct sig_page *pages_sig(uint32_t slot) { return &sig_pages[slot]; }
struct fd_word *pages_fd(uint32_t slot) { return fd_pages[slot % 64]; }
const volatile struct time_page *pages_time(void) { return &time_page; }
error_t streams_first_descriptors(struct process *p) { (void)p; return 0; }
void streams_process_closed(struct process *p) { (void)p; }
void streams_process_moved(struct process *from, struct process *to) { (void)from, (void)to; }
void streams_session_tty(uint32_t sid, uint32_t *dev, int32_t *pgrp) { (void)sid; *dev = 0; *pgrp = -1; }

struct proc_page *fake_page(uint32_t slot) { return &proc_pages[slot]; }
struct process *fake_process(uint32_t slot) { return &processes[slot]; }

void fake_identity(uint32_t slot, uint32_t uid, uint32_t gid)
{
    struct proc_page *pg = &proc_pages[slot];

    pg->ruid = pg->euid = pg->suid = pg->fsuid = uid;
    pg->rgid = pg->egid = pg->sgid = pg->fsgid = gid;
    pg->nr_groups = 0;
    pg->cap_effective = uid ? 0 : ~0ul;
    pg->dumpable = 1;
}

static void start_process(uint32_t slot, uint32_t pid)
{
    struct rpc_call call = fake_call(SERVER_PROC, FS_METHOD_PROCESS_OPEN);
    struct fs_process_open_in in = { .slot = slot };

    ((struct slot_map *)proc_pages)->used[slot / 64] |= 1ul << slot % 64;
    proc_pages[slot].in_use = 1;
    proc_pages[slot].pid = pid;
    proc_pages[slot].state = 'S';
    for (int i = 0; i < 16; i++)
        proc_pages[slot].rlimit[i][0] = proc_pages[slot].rlimit[i][1] = UINT64_MAX;
    proc_pages[slot].rlimit[FS_RLIMIT_NOFILE][0] = 1024;
    fake_identity(slot, 0, 0);
    assert_int_equal(fs_serve_process_open(&call, &in), 0);
    processes[slot].fs->umask = 0;
}

void fake_start(void)
{
    random_init("test");
    segments_init();
    process_init();
    vfs_register_type(&tmpfs_type);
    devices_init();
    assert_int_equal(vfs_mount(&tmpfs_type, "tmpfs", NULL, 0, NULL), 0);
    start_process(SLOT_A, 100);
    start_process(SLOT_B, 101);
}

/* ---- short forms ---- */
#define REQUEST(method, ...) \
    struct rpc_call call = fake_call(slot, 0); \
    struct fs_##method##_in in = { __VA_ARGS__ }; \
    struct fs_##method##_out out; \
    memset(&out, 0, sizeof out); \
    error_t e = fs_serve_##method(&call, &in, &out)
#define REQUEST_FILE(method, rights, ...) \
    struct rpc_call call = fake_call(slot, 0); \
    struct fs_##method##_out out; \
    memset(&out, 0, sizeof out); \
    error_t e = SERVE_FILE(method, rights, &call, fd, &out, ##__VA_ARGS__)
#define RESULT(field) return e ? e : (int64_t)out.field
#define PATH(p) .path = (p), .path_bytes = (uint32_t)strlen(p)

int64_t t_openat(uint32_t slot, int32_t dirfd, const char *path, uint32_t flags, uint32_t mode)
{
    REQUEST(openat, .dirfd = dirfd, PATH(path), .flags = flags, .mode = mode);
    RESULT(fd);
}
int64_t t_open(uint32_t slot, const char *path, uint32_t flags, uint32_t mode)
{
    return t_openat(slot, FS_AT_FDCWD, path, flags, mode);
}
error_t t_close(uint32_t slot, int64_t fd) { REQUEST_FILE(close, 0); return e; }

/* Short buffers come as the arena does, long ones as client memory. */
static struct rpc_buf buffer(const void *memory, size_t bytes)
{
    if (bytes <= 256)
        return (struct rpc_buf){ .bytes = bytes, .local = (void *)(uintptr_t)memory };
    return (struct rpc_buf){ .address = (uintptr_t)memory, .bytes = bytes };
}
int64_t t_read(uint32_t slot, int64_t fd, void *to, size_t bytes)
{
    REQUEST_FILE(read, FS_FILE_READ, .data = buffer(to, bytes));
    RESULT(done);
}
int64_t t_write(uint32_t slot, int64_t fd, const void *from, size_t bytes)
{
    REQUEST_FILE(write, FS_FILE_WRITE, .data = buffer(from, bytes));
    RESULT(done);
}
int64_t t_pread(uint32_t slot, int64_t fd, void *to, size_t bytes, uint64_t at)
{
    REQUEST_FILE(pread, FS_FILE_USE, .offset = at, .data = buffer(to, bytes));
    RESULT(done);
}
int64_t t_pwrite(uint32_t slot, int64_t fd, const void *from, size_t bytes, uint64_t at)
{
    REQUEST_FILE(pwrite, FS_FILE_USE, .offset = at, .data = buffer(from, bytes));
    RESULT(done);
}
int64_t t_lseek(uint32_t slot, int64_t fd, int64_t offset, uint32_t whence)
{
    REQUEST_FILE(lseek, FS_FILE_USE, .offset = offset, .whence = whence);
    RESULT(position);
}
int64_t t_getdents(uint32_t slot, int64_t fd, void *to, size_t bytes)
{
    REQUEST_FILE(getdents, FS_FILE_USE, .entries = { .address = (uintptr_t)to, .bytes = bytes });
    RESULT(done);
}
error_t t_mkdir(uint32_t slot, const char *path, uint32_t mode)
{
    REQUEST(mkdirat, .dirfd = FS_AT_FDCWD, PATH(path), .mode = mode);
    return e;
}
error_t t_unlink(uint32_t slot, const char *path)
{
    REQUEST(unlinkat, .dirfd = FS_AT_FDCWD, PATH(path));
    return e;
}
error_t t_rmdir(uint32_t slot, const char *path)
{
    REQUEST(unlinkat, .dirfd = FS_AT_FDCWD, PATH(path), .flags = AT_REMOVEDIR);
    return e;
}
error_t t_symlink(uint32_t slot, const char *target, const char *path)
{
    REQUEST(symlinkat, .target = target, .dirfd = FS_AT_FDCWD, PATH(path));
    return e;
}
error_t t_link(uint32_t slot, const char *from, const char *to)
{
    REQUEST(linkat, .old_dirfd = FS_AT_FDCWD, .old_path = from, .new_dirfd = FS_AT_FDCWD, .new_path = to);
    return e;
}
error_t t_rename(uint32_t slot, const char *from, const char *to, uint32_t flags)
{
    REQUEST(renameat, .old_dirfd = FS_AT_FDCWD, .old_path = from, .new_dirfd = FS_AT_FDCWD, .new_path = to,
            .flags = flags);
    return e;
}
static error_t stat_with(uint32_t slot, const char *path, uint32_t flags, struct fs_stat *st)
{
    REQUEST(statat, .dirfd = FS_AT_FDCWD, PATH(path), .flags = flags);
    *st = out.st;
    return e;
}
error_t t_stat(uint32_t slot, const char *path, struct fs_stat *st) { return stat_with(slot, path, 0, st); }
error_t t_lstat(uint32_t slot, const char *path, struct fs_stat *st)
{
    return stat_with(slot, path, AT_SYMLINK_NOFOLLOW, st);
}
error_t t_fstat(uint32_t slot, int64_t fd, struct fs_stat *st)
{
    REQUEST_FILE(fstat, 0);
    *st = out.st;
    return e;
}
error_t t_chmod(uint32_t slot, const char *path, uint32_t mode)
{
    REQUEST(chmodat, .dirfd = FS_AT_FDCWD, PATH(path), .mode = mode);
    return e;
}
error_t t_chown(uint32_t slot, const char *path, uint32_t uid, uint32_t gid)
{
    REQUEST(chownat, .dirfd = FS_AT_FDCWD, PATH(path), .uid = uid, .gid = gid);
    return e;
}
error_t t_chdir(uint32_t slot, const char *path) { REQUEST(chdir, .dirfd = FS_AT_FDCWD, PATH(path)); return e; }
error_t t_access(uint32_t slot, const char *path, uint32_t mode)
{
    REQUEST(accessat, .dirfd = FS_AT_FDCWD, PATH(path), .mode = mode);
    return e;
}
error_t t_truncate(uint32_t slot, const char *path, uint64_t length)
{
    REQUEST(truncate, .fd = -1, PATH(path), .length = length);
    return e;
}
error_t t_ftruncate(uint32_t slot, int64_t fd, uint64_t length)
{
    REQUEST(truncate, .fd = (int32_t)fd, PATH(""), .length = length);
    return e;
}
int64_t t_readlink(uint32_t slot, const char *path, char *to, size_t room)
{
    REQUEST(readlinkat, .dirfd = FS_AT_FDCWD, PATH(path), .target = { .address = (uintptr_t)to, .bytes = room });
    RESULT(done);
}
int64_t t_getcwd(uint32_t slot, char *to, size_t room)
{
    REQUEST(getcwd, .path = { .address = (uintptr_t)to, .bytes = room });
    RESULT(done);
}
void t_touch(uint32_t slot, const char *path)
{
    int64_t fd = t_open(slot, path, O_CREAT | O_WRONLY, 0644);

    assert_true(fd >= 0);
    assert_int_equal(t_close(slot, fd), 0);
}
