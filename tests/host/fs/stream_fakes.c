/* SPDX-License-Identifier: MIT */
/* See stream_fakes.h. */
#include "handles.h"
#include "stream_fakes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inotify.h"
#include "lease.h"
#include "mounts.h"
#include "peers.h"
#include "segments.h"

struct process processes[NR_SLOTS];
struct rpc_client proc_peer, time_peer[MAX_SHARDS];
uint32_t nr_time_peers = 1;
static struct server_info info = { .timebase_hz = 10000000 };
const struct server_info *fs_info = &info;
void (*file_unwatch)(struct file *);

static struct proc_page pages[NR_SLOTS];
static struct sig_page sig_pages[NR_SLOTS];

struct sent_signal signals[64];
unsigned nr_signals;
int nr_live_files;

/* ---- processes and descriptors ---- */

struct process *fake_process(uint32_t slot, uint32_t pid, uint32_t pgid, uint32_t sid)
{
    struct process *p = &processes[slot];

    p->slot = slot;
    p->open = true;
    p->page = &pages[slot];
    p->sig = &sig_pages[slot];
    pages[slot] = (struct proc_page){ .in_use = 1, .pid = pid, .pgid = pgid, .sid = sid };
    pages[slot].thread[0].tid = pid;
    pages[slot].rlimit[FS_RLIMIT_NOFILE][0] = 1024;
    pages[slot].cap_effective = ~0ul;
    memset(&sig_pages[slot], 0, sizeof(sig_pages[slot]));
    if (p->files == NULL) {
        p->files = calloc(1, sizeof(*p->files));
        p->files->size = 1024;
        p->files->entry = calloc(1024, sizeof(struct fd_entry));
        p->fd_words = calloc(FD_WORDS, sizeof(struct fd_word));
    }
    return p;
}

struct process *process_by_pid(uint32_t pid)
{
    for (unsigned i = 0; i < NR_SLOTS; i++)
        if (processes[i].open && processes[i].page->pid == pid)
            return &processes[i];
    return NULL;
}

uint64_t file_next_ino(void)
{
    static uint64_t ino = 100;
    return ino++;
}

error_t file_new(const struct file_ops *ops, uint32_t flags, uint32_t mode, struct file **out)
{
    struct file *f = calloc(1, sizeof(*f));

    f->ops = ops;
    f->refs = 1;
    f->flags = flags;
    f->anon_mode = mode;
    nr_live_files++;
    *out = f;
    return 0;
}

void file_put(struct file *f)
{
    assert(f->refs > 0);
    if (--f->refs != 0)
        return;
    if (f->poll_links != NULL && file_unwatch != NULL)
        file_unwatch(f);
    file_changes(f);
    f->refs = 1;
    if (f->ops != NULL && f->ops->release != NULL)
        f->ops->release(f);
    nr_live_files--;
    free(f);
}

error_t fd_install(struct process *p, struct file *f, uint32_t flags, uint32_t *fd)
{
    for (uint32_t i = 0; i < 1024; i++) {
        if (p->files->entry[i].file == NULL) {
            p->files->entry[i] = (struct fd_entry){ f, flags };
            lease_bump(&p->fd_words[i]);
            *fd = i;
            return 0;
        }
    }
    return ERR_TOO_MANY_FILES;
}

struct file *fd_lookup_any(struct process *p, int32_t fd)
{
    return fd < 0 || fd >= 1024 ? NULL : p->files->entry[fd].file;
}

struct file *fd_lookup(struct process *p, int32_t fd)
{
    return fd_lookup_any(p, fd);
}

error_t fd_close(struct process *p, int32_t fd)
{
    struct file *f = fd_lookup_any(p, fd);

    if (f == NULL)
        return ERR_BAD_HANDLE;
    p->files->entry[fd].file = NULL;
    lease_bump(&p->fd_words[fd]);
    if (f->ops != NULL && f->ops->close != NULL)
        f->ops->close(f, p);
    file_put(f);
    return 0;
}

/* ---- client memory ---- */

error_t rpc_client_read(struct rpc_call *call, uint64_t address, void *to, size_t bytes)
{
    (void)call;
    if (address < 4096)
        return ERR_FAULT;
    memcpy(to, (void *)address, bytes);
    return 0;
}

error_t rpc_client_write(struct rpc_call *call, uint64_t address, const void *from, size_t bytes)
{
    (void)call;
    if (address < 4096)
        return ERR_FAULT;
    memcpy((void *)address, from, bytes);
    return 0;
}

error_t rpc_buf_read(struct rpc_call *call, const struct rpc_buf *buf, uint64_t at, void *to, size_t bytes)
{
    if (at > buf->bytes || bytes > buf->bytes - at)
        return ERR_RANGE;
    return bytes == 0 ? 0 : rpc_client_read(call, buf->address + at, to, bytes);
}

error_t rpc_buf_write(struct rpc_call *call, const struct rpc_buf *buf, uint64_t at, const void *from, size_t bytes)
{
    if (at > buf->bytes || bytes > buf->bytes - at)
        return ERR_RANGE;
    return bytes == 0 ? 0 : rpc_client_write(call, buf->address + at, from, bytes);
}

/* ---- requests ---- */

struct rpc_call *rpc_park(struct rpc_call *call, void (*on_cancel)(struct rpc_call *), void *context)
{
    assert(!call->parked);
    call->parked = true;
    call->on_cancel = on_cancel;
    call->context = context;
    return call;
}

struct request *request_new(struct process *p)
{
    struct request *r = calloc(1, sizeof(*r));
    r->call.client = p->slot;
    return r;
}

static void answer(struct rpc_call *call, error_t error, uint64_t done)
{
    struct request *r = (struct request *)call;

    assert(call->parked && !r->answered);
    r->answered = true;
    r->error = error;
    r->done = done;
}

void request_result(struct request *r, error_t error, uint64_t done)
{
    if (error == RPC_PENDING)
        return;
    assert(!r->call.parked);
    r->answered = true;
    r->error = error;
    r->done = done;
}

void request_cancel(struct request *r)
{
    assert(r->call.parked && !r->answered);
    r->call.cancelled = true;
    r->call.on_cancel(&r->call);
    assert(r->answered);
}

void request_free(struct request *r)
{
    assert(r->answered);
    free(r);
}

/* No coroutines here: every request runs on the executor's stack. */
struct coro *coro_self(void) { return NULL; }

void rpc_complete(struct rpc_call *call, error_t error) { answer(call, error, 0); }

#define REPLY(method, result) \
    void fs_##method##_reply(struct rpc_call *call, error_t error, const struct fs_##method##_out *out) \
    { answer(call, error, out->result); }
REPLY(read, done)
REPLY(write, done)
REPLY(pread, done)
REPLY(pwrite, done)
REPLY(readv, done)
REPLY(writev, done)
REPLY(poll, ready)
REPLY(ioctl, result)
REPLY(sendmsg, done)

void fs_epoll_wait_reply(struct rpc_call *call, error_t error, const struct fs_epoll_wait_out *out)
{
    answer(call, error, out->count);
}

void fs_connect_reply(struct rpc_call *call, error_t error, const struct fs_connect_out *out)
{
    (void)out;
    answer(call, error, 0);
}

void fs_accept_reply(struct rpc_call *call, error_t error, const struct fs_accept_out *out)
{
    answer(call, error, (uint64_t)out->fd);
    ((struct request *)call)->extra[0] = out->done;
}

void fs_recvmsg_reply(struct rpc_call *call, error_t error, const struct fs_recvmsg_out *out)
{
    struct request *r = (struct request *)call;

    answer(call, error, out->done);
    r->extra[0] = out->address_done;
    r->extra[1] = out->control_done;
    r->extra[2] = out->flags_out;
}

struct request *start_read(struct process *p, int32_t fd, void *to, size_t n)
{
    struct request *r = request_new(p);
    struct fs_read_out out = { 0 };

    r->call.method = FS_METHOD_READ;
    error_t error = SERVE_FILE(read, FS_FILE_READ, &r->call, fd, &out, .data = { (uint64_t)to, n, NULL });
    request_result(r, error, out.done);
    return r;
}

struct request *start_write(struct process *p, int32_t fd, const void *from, size_t n)
{
    struct request *r = request_new(p);
    struct fs_write_out out = { 0 };

    r->call.method = FS_METHOD_WRITE;
    error_t error = SERVE_FILE(write, FS_FILE_WRITE, &r->call, fd, &out, .data = { (uint64_t)from, n, NULL });
    request_result(r, error, out.done);
    return r;
}

struct request *start_ioctl(struct process *p, int32_t fd, uint32_t command, uint64_t argument)
{
    struct request *r = request_new(p);
    struct fs_ioctl_out out = { 0 };

    r->call.method = FS_METHOD_IOCTL;
    error_t error = SERVE_FILE(ioctl, FS_FILE_USE, &r->call, fd, &out, .command = command, .argument = argument);
    request_result(r, error, out.result);
    return r;
}

static int64_t finish(struct request *r)
{
    settle();
    assert(r->answered);
    int64_t result = r->error != 0 ? r->error : (int64_t)r->done;
    request_free(r);
    return result;
}

int64_t now_read(struct process *p, int32_t fd, void *to, size_t n) { return finish(start_read(p, fd, to, n)); }
int64_t now_write(struct process *p, int32_t fd, const void *from, size_t n) { return finish(start_write(p, fd, from, n)); }

error_t now_ioctl(struct process *p, int32_t fd, uint32_t command, void *argument)
{
    return (error_t)finish(start_ioctl(p, fd, command, (uint64_t)argument));
}

/* ---- time ---- */

static ticks_t now = 1000;
static struct exec_timer *armed;

ticks_t exec_now(void) { return now; }

void exec_timer_cancel(struct exec_timer *t)
{
    struct exec_timer **at = &armed;

    if (!t->armed)
        return;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->armed = false;
}

void exec_timer_set(struct exec_timer *t, ticks_t deadline)
{
    exec_timer_cancel(t);
    t->deadline = deadline;
    t->armed = true;
    t->next = armed;
    armed = t;
}

void settle(void)
{
    for (bool again = true; again;) {
        again = false;
        for (struct exec_timer *t = armed; t != NULL; t = t->next) {
            if (t->deadline <= now) {
                exec_timer_cancel(t);
                t->fire(t);
                again = true;
                break;
            }
        }
    }
}

void advance_clock(ticks_t ticks)
{
    now += ticks;
    settle();
}

/* ---- peers ---- */

void proc_signal_group(struct rpc_client *c, uint32_t pgid, uint32_t signo)
{
    (void)c;
    if (nr_signals < 64)
        signals[nr_signals++] = (struct sent_signal){ .pgid = pgid, .signo = signo };
}

void proc_signal_process(struct rpc_client *c, uint32_t pid, uint32_t tid, uint32_t signo, int32_t code, uint64_t value)
{
    (void)c;
    (void)tid;
    (void)code;
    (void)value;
    if (nr_signals < 64)
        signals[nr_signals++] = (struct sent_signal){ .pid = pid, .signo = signo };
}

/* ---- names: a flat list of nodes ---- */

#define NODES_MAX 32
static struct { char path[64]; struct dentry dentry; struct inode inode; bool used; } nodes[NODES_MAX];
static struct superblock sb;
static struct mount the_mount = { .refs = 1 };

static int find_node(const char *path)
{
    for (int i = 0; i < NODES_MAX; i++)
        if (nodes[i].used && strcmp(nodes[i].path, path) == 0)
            return i;
    return -1;
}

static error_t add_node(const char *path, uint32_t mode, uint64_t rdev, struct path *out)
{
    if (find_node(path) >= 0)
        return ERR_EXISTS;
    for (int i = 0; i < NODES_MAX; i++) {
        if (nodes[i].used)
            continue;
        memset(&nodes[i], 0, sizeof(nodes[i]));
        nodes[i].used = true;
        snprintf(nodes[i].path, sizeof(nodes[i].path), "%s", path);
        nodes[i].inode = (struct inode){ .sb = &sb, .refs = 1, .mode = mode, .rdev = rdev };
        nodes[i].dentry.inode = &nodes[i].inode;
        if (out != NULL)
            *out = (struct path){ &the_mount, &nodes[i].dentry };
        return 0;
    }
    return ERR_NO_SPACE;
}

void inode_put(struct inode *inode) { inode->refs--; }
void dentry_put(struct dentry *dentry) { dentry->refs--; }

error_t vfs_mknod(struct process *p, int32_t dirfd, const char *path, uint32_t mode, uint64_t rdev, struct path *out)
{
    (void)p;
    (void)dirfd;
    return add_node(path, mode, rdev, out);
}

error_t vfs_lookup(struct process *p, int32_t dirfd, const char *path, uint32_t flags, struct found *found)
{
    int i = find_node(path);

    (void)p;
    (void)dirfd;
    (void)flags;
    *found = (struct found){ 0 };
    if (i < 0)
        return ERR_NOT_FOUND;
    found->path = (struct path){ &the_mount, &nodes[i].dentry };
    return 0;
}

void mount_free(struct mount *m) { m->refs++; }
uint32_t inotify_nr_watches;
void inotify_path_event(struct dentry *d, uint32_t mask) { (void)d, (void)mask; }
bool inotify_wants_reads(const struct file *f) { (void)f; return false; }

error_t vfs_permission(struct process *p, const struct mount *m, struct inode *inode, uint32_t may)
{
    (void)p, (void)m;
    (void)may;
    return inode->mode & 0222 ? 0 : ERR_ACCESS;
}

error_t devfs_add(const char *path, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t rdev)
{
    (void)uid;
    (void)gid;
    return add_node(path, S_IFCHR | mode, rdev, NULL);
}

void devfs_remove(const char *path)
{
    int i = find_node(path);
    assert(i >= 0);
    nodes[i].used = false;
}

/* What rw.c needs for mmap, which no test here uses. */
error_t seg_new(struct segment **s) { (void)s; return ERR_NO_MEMORY; }
void seg_free(struct segment *s) { (void)s; }
error_t seg_resize(struct segment *s, uint64_t n) { (void)s; (void)n; return ERR_NO_MEMORY; }
error_t seg_read(struct segment *s, uint64_t at, void *to, uint64_t n) { (void)s; (void)at; (void)to; (void)n; return ERR_FAULT; }
error_t seg_write(struct segment *s, uint64_t at, const void *from, uint64_t n) { (void)s; (void)at; (void)from; (void)n; return ERR_FAULT; }
error_t seg_read_client(struct segment *s, uint64_t at, uint32_t c, uint64_t a, uint64_t n, uint64_t *done)
{ (void)s; (void)at; (void)c; (void)a; (void)n; *done = 0; return ERR_FAULT; }
error_t seg_write_client(struct segment *s, uint64_t at, uint32_t c, uint64_t a, uint64_t n, uint64_t *done)
{ (void)s; (void)at; (void)c; (void)a; (void)n; *done = 0; return ERR_FAULT; }
error_t seg_map(struct segment *s, uint32_t c, uint64_t a, uint64_t n, uint32_t prot, uint64_t first, bool may)
{ (void)s; (void)c; (void)a; (void)n; (void)prot; (void)first; (void)may; return ERR_NO_MEMORY; }

/* ---- between tests ---- */

void fakes_reset(void)
{
    settle();
    for (unsigned k = 0; k < NR_SLOTS; k++) {
        for (int32_t fd = 0; processes[k].files != NULL && fd < 1024; fd++)
            if (processes[k].files->entry[fd].file != NULL)
                fd_close(&processes[k], fd);
        if (processes[k].files != NULL) {
            free(processes[k].files->entry);
            free(processes[k].files);
            free(processes[k].fd_words);
        }
        processes[k] = (struct process){ 0 };
    }
    settle();
    memset(nodes, 0, sizeof(nodes));
    nr_signals = 0;
    if (nr_live_files != 0)
        fprintf(stderr, "%d files are left over\n", nr_live_files);
    assert(nr_live_files == 0);
}
