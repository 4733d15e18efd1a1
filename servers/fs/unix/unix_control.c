/* SPDX-License-Identifier: MIT */
/*
 * Control messages: SCM_RIGHTS (open files) and SCM_CREDENTIALS, in Linux's
 * layout: struct cmsghdr { u64 length; i32 level, type; } and data, 8-aligned.
 * They are read from and written to client memory here.
 */
#include <stdlib.h>
#include <string.h>

#include "unix.h"

#define SOL_SOCKET      1
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define CAP_SETGID      6
#define CAP_SETUID      7
#define CONTROL_MAX     (64u << 10)

struct cmsghdr { uint64_t bytes; int32_t level, type; };
_Static_assert(sizeof(struct cmsghdr) == 16, "Linux's struct cmsghdr");

static uint64_t align8(uint64_t n)
{
    return (n + 7) & ~7ul;
}

void unix_files_free(struct unix_files *files)
{
    if (files == NULL)
        return;
    for (uint32_t i = 0; i < files->count; i++) {
        unix_in_flight_remove(files->file[i]);
        file_put(files->file[i]);
    }
    free(files);
}

/* ---- sending ---- */

static error_t add_files(struct process *p, const uint8_t *data, uint64_t bytes, struct unix_files **out)
{
    struct unix_files *files = *out;
    int32_t fd;

    if (files == NULL) {
        files = *out = calloc(1, sizeof(*files));
        if (files == NULL)
            return ERR_NO_MEMORY;
    }
    for (uint64_t at = 0; at + sizeof(fd) <= bytes; at += sizeof(fd)) {
        if (files->count == SCM_MAX_FD)
            return ERR_INVALID_ARGUMENT;
        memcpy(&fd, data + at, sizeof(fd));
        struct file *f = fd_lookup_any(p, fd);
        if (f == NULL)
            return ERR_BAD_HANDLE;
        if (unix_in_flight() >= UNIX_MAX_IN_FLIGHT)
            return ERR_TOO_MANY_REFS;
        files->file[files->count++] = file_get(f);
        unix_in_flight_add(f);
    }
    return 0;
}

static bool may_claim_uid(const struct process *p, uint32_t uid)
{
    return uid == p->page->ruid || uid == p->page->euid || uid == p->page->suid || process_capable(p, CAP_SETUID);
}

static bool may_claim_gid(const struct process *p, uint32_t gid)
{
    return gid == p->page->rgid || gid == p->page->egid || gid == p->page->sgid || process_capable(p, CAP_SETGID);
}

static error_t set_cred(const struct process *p, const uint8_t *data, uint64_t bytes, struct unix_cred *cred)
{
    struct unix_cred claim;

    if (bytes != sizeof(claim))
        return ERR_INVALID_ARGUMENT;
    memcpy(&claim, data, sizeof(claim));
    if ((claim.pid != process_pid(p) && !process_capable(p, CAP_SYS_ADMIN)) || !may_claim_uid(p, claim.uid) ||
        !may_claim_gid(p, claim.gid))
        return ERR_PERMISSION;
    *cred = claim;
    return 0;
}

static error_t parse(struct process *p, const uint8_t *control, uint32_t bytes, struct unix_cred *cred,
                     struct unix_files **files)
{
    struct cmsghdr head;
    error_t error = 0;

    for (uint64_t at = 0; error == 0 && at + sizeof(head) <= bytes; at += align8(head.bytes)) {
        memcpy(&head, control + at, sizeof(head));
        if (head.bytes < sizeof(head) || head.bytes > bytes - at)
            return ERR_INVALID_ARGUMENT;
        const uint8_t *data = control + at + sizeof(head);
        uint64_t length = head.bytes - sizeof(head);
        if (head.level != SOL_SOCKET)
            continue;
        if (head.type == SCM_RIGHTS)
            error = add_files(p, data, length, files);
        else if (head.type == SCM_CREDENTIALS)
            error = set_cred(p, data, length, cred);
        else
            error = ERR_INVALID_ARGUMENT;
    }
    return error;
}

error_t unix_read_control(struct rpc_call *call, struct process *p, uint64_t address, uint32_t bytes,
                          struct unix_cred *cred, struct unix_files **files)
{
    *files = NULL;
    *cred = unix_cred_of(p);
    if (bytes == 0)
        return 0;
    if (bytes > CONTROL_MAX)
        return ERR_NO_BUFFERS;
    uint8_t *control = malloc(bytes);
    if (control == NULL)
        return ERR_NO_MEMORY;
    error_t error = rpc_client_read(call, address, control, bytes);
    if (error == 0)
        error = parse(p, control, bytes, cred, files);
    free(control);
    if (error != 0) {
        unix_files_free(*files);
        *files = NULL;
    }
    return error;
}

/* ---- receiving ---- */

/* Append one control message; false: it does not fit. */
static error_t put(struct rpc_call *call, uint64_t address, uint32_t bytes, int32_t type, const void *data,
                   uint64_t length, uint64_t *done)
{
    uint8_t message[sizeof(struct cmsghdr) + SCM_MAX_FD * sizeof(int32_t)];
    struct cmsghdr head = { sizeof(head) + length, SOL_SOCKET, type };

    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), data, length);
    error_t error = rpc_client_write(call, address + *done, message, head.bytes);
    if (error != 0)
        return error;
    *done += align8(head.bytes) < bytes - *done ? align8(head.bytes) : bytes - *done;
    return 0;
}

static error_t put_files(struct rpc_call *call, struct process *p, uint64_t address, uint32_t bytes, bool cloexec,
                         struct unix_received *r, uint64_t *done)
{
    uint32_t fds[SCM_MAX_FD];
    uint64_t left = bytes - *done;
    uint32_t room = left < sizeof(struct cmsghdr) ? 0 : (uint32_t)((left - sizeof(struct cmsghdr)) / sizeof(int32_t));
    uint32_t n = 0;

    while (n < r->files->count && n < room) {
        struct file *f = file_get(r->files->file[n]);
        if (fd_install(p, f, cloexec ? FD_FLAG_CLOEXEC : 0, &fds[n]) != 0) {
            file_put(f);
            break;
        }
        n++;
    }
    if (n < r->files->count)
        r->flags |= MSG_CTRUNC;
    return n == 0 ? 0 : put(call, address, bytes, SCM_RIGHTS, fds, n * sizeof(fds[0]), done);
}

error_t unix_write_control(struct rpc_call *call, struct process *p, uint64_t address, uint32_t bytes, uint32_t flags,
                           bool passcred, struct unix_received *r, uint64_t *done)
{
    error_t error = 0;

    *done = 0;
    if (passcred && r->any) {
        if (bytes >= sizeof(struct cmsghdr) + sizeof(r->cred))
            error = put(call, address, bytes, SCM_CREDENTIALS, &r->cred, sizeof(r->cred), done);
        else
            r->flags |= MSG_CTRUNC;
    }
    if (error == 0 && r->files != NULL)
        error = put_files(call, p, address, bytes, (flags & MSG_CMSG_CLOEXEC) != 0, r, done);
    return error;
}
