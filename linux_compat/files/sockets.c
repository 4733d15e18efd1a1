/* SPDX-License-Identifier: MIT */
/*
 * Sockets. Unix sockets are files of fs; fs refuses the other families.
 */
#include "files.h"

#define ADDRESS_MAX     128     /* sizeof(struct sockaddr_storage)              */
#define MMSG_MAX        1024
#define MSG_WAITFORONE  0x10000u
#define SOCK_FLAGS      02004000u

struct linux_msghdr {
    uaddr_t  name; uint32_t name_bytes, pad;
    uaddr_t  iov; uint64_t iov_count;
    uaddr_t  control; uint64_t control_bytes;
    int32_t  flags, pad2;
};
_Static_assert(sizeof(struct linux_msghdr) == 56, "Linux ABI");
struct linux_mmsghdr { struct linux_msghdr hdr; uint32_t len, pad; };
struct guest_iovec { uaddr_t base; uint64_t len; };

LINUX_CALL(socket)
{
    uint32_t fd;
    error_t e = fs_socket(fs_client(), (uint32_t)a0, (uint32_t)a1, (uint32_t)a2, &fd);
    return e ? linux_error(e) : fd;
}

static bool address_ok(uint64_t bytes) { return (int32_t)bytes >= 0 && bytes <= ADDRESS_MAX; }

LINUX_CALL(bind)
{
    if (!address_ok(a2))
        return -EINVAL;
    return linux_error(fs_bind(fs_client(), (int32_t)a0, (struct rpc_in){ guest_pointer(a1), a2 }));
}

LINUX_CALL(connect)
{
    if (!address_ok(a2))
        return -EINVAL;
    return linux_error(fs_connect(fs_client(), (int32_t)a0, (struct rpc_in){ guest_pointer(a1), a2 }));
}

LINUX_CALL(listen)
{
    return linux_error(fs_listen(fs_client(), (int32_t)a0, (uint32_t)a1));
}

/*
 * Hand out an address as accept(2) does: as much as fits the guest's buffer,
 * and its full length. `out` is null when the guest wants none.
 */
static long put_address(uaddr_t to, uaddr_t length_at, const uint8_t *address, uint64_t bytes)
{
    uint32_t room;
    if (to == 0)
        return 0;
    if (get32(&room, length_at) != 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    if (copy_to_guest(to, address, room < bytes ? room : bytes) != 0)
        return -EFAULT;
    return put32(length_at, (uint32_t)bytes);
}

static long accept_flags(int32_t fd, uaddr_t to, uaddr_t length_at, uint32_t flags)
{
    uint8_t address[ADDRESS_MAX];
    uint64_t done;
    uint32_t new_fd;
    if (flags & ~SOCK_FLAGS)
        return -EINVAL;
    error_t e = fs_accept(fs_client(), fd, flags, (struct rpc_out){ address, sizeof address }, &done, &new_fd);
    if (e != 0)
        return linux_error(e);
    long r = put_address(to, length_at, address, done);
    if (r != 0) {
        fs_close(fs_client(), new_fd);
        return r;
    }
    return new_fd;
}

LINUX_CALL(accept)  { return accept_flags((int32_t)a0, a1, a2, 0); }
LINUX_CALL(accept4) { return accept_flags((int32_t)a0, a1, a2, (uint32_t)a3); }

static long get_name(int32_t fd, uaddr_t to, uaddr_t length_at, uint32_t peer)
{
    uint8_t address[ADDRESS_MAX];
    uint64_t done;
    error_t e = fs_getname(fs_client(), fd, peer, (struct rpc_out){ address, sizeof address }, &done);
    if (e != 0)
        return linux_error(e);
    return to ? put_address(to, length_at, address, done) : -EFAULT;
}

LINUX_CALL(getsockname) { return get_name((int32_t)a0, a1, a2, 0); }
LINUX_CALL(getpeername) { return get_name((int32_t)a0, a1, a2, 1); }

LINUX_CALL(shutdown)
{
    return linux_error(fs_shutdown(fs_client(), (int32_t)a0, (uint32_t)a1));
}

LINUX_CALL(setsockopt)
{
    if ((int32_t)a4 < 0)
        return -EINVAL;
    uint64_t bytes = (uint32_t)a4 > ADDRESS_MAX ? ADDRESS_MAX : (uint32_t)a4;
    return linux_error(fs_setsockopt(fs_client(), (int32_t)a0, (uint32_t)a1, (uint32_t)a2,
                                     (struct rpc_in){ guest_pointer(a3), bytes }));
}

LINUX_CALL(getsockopt)
{
    uint8_t value[256];
    uint32_t room;
    uint64_t done;
    if (get32(&room, a4) != 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    if (room > sizeof value)
        room = sizeof value;
    error_t e = fs_getsockopt(fs_client(), (int32_t)a0, (uint32_t)a1, (uint32_t)a2,
                              (struct rpc_out){ value, room }, &done);
    if (e != 0)
        return linux_error(e);
    if (copy_to_guest(a3, value, done) != 0)
        return -EFAULT;
    return put32(a4, (uint32_t)done);
}

static long send_message(int32_t fd, const struct linux_msghdr *m, uint32_t flags)
{
    uint64_t done;
    if (m->iov_count > 1024)
        return -EMSGSIZE;
    if (m->name != 0 && !address_ok(m->name_bytes))
        return -EINVAL;
    if (m->control_bytes > 0x7fffffff)
        return -ENOBUFS;
    struct rpc_in address = { guest_pointer(m->name), m->name ? m->name_bytes : 0 };
    error_t e = fs_sendmsg(fs_client(), fd, flags, address, m->iov, (uint32_t)m->iov_count,
                           m->control, m->control ? (uint32_t)m->control_bytes : 0, &done);
    if (e == ERR_BROKEN_PIPE && flags & 0x4000 /* MSG_NOSIGNAL */)
        return linux_error(e);
    return e ? write_error(e) : (long)done;
}

LINUX_CALL(sendmsg)
{
    struct linux_msghdr m;
    if (copy_from_guest(&m, a1, sizeof m) != 0)
        return -EFAULT;
    return send_message((int32_t)a0, &m, (uint32_t)a2);
}

/* The vector lies on the personality's stack: fs reads it from this VSpace. */
LINUX_CALL(sendto)
{
    struct guest_iovec v = { a1, a2 };
    struct linux_msghdr m = { .name = a4, .name_bytes = (uint32_t)a5, .iov = (uaddr_t)&v, .iov_count = 1 };
    if ((int64_t)a2 < 0)
        return -EINVAL;
    return send_message((int32_t)a0, &m, (uint32_t)a3);
}

/* On success the lengths and flags of *m are what the guest shall see. */
static long receive_message(int32_t fd, struct linux_msghdr *m, uint32_t flags)
{
    uint64_t done, address_done, control_done;
    uint32_t flags_out;
    uint8_t address[ADDRESS_MAX];
    if (m->iov_count > 1024)
        return -EMSGSIZE;
    if (m->control_bytes > 0x7fffffff)
        m->control_bytes = 0x7fffffff;
    error_t e = fs_recvmsg(fs_client(), fd, flags, m->iov, (uint32_t)m->iov_count, m->control,
                           m->control ? (uint32_t)m->control_bytes : 0,
                           (struct rpc_out){ address, sizeof address }, &done, &address_done,
                           &control_done, &flags_out);
    if (e != 0)
        return linux_error(e);
    if (m->name != 0) {
        uint64_t n = m->name_bytes < address_done ? m->name_bytes : address_done;
        if ((int32_t)m->name_bytes < 0)
            return -EINVAL;
        if (copy_to_guest(m->name, address, n) != 0)
            return -EFAULT;
    }
    m->name_bytes = (uint32_t)address_done;
    m->control_bytes = control_done;
    m->flags = (int32_t)flags_out;
    return (long)done;
}

static long put_header(uaddr_t to, const struct linux_msghdr *m)
{
    if (put32(to + offsetof(struct linux_msghdr, name_bytes), m->name_bytes) ||
        put64(to + offsetof(struct linux_msghdr, control_bytes), m->control_bytes) ||
        put32(to + offsetof(struct linux_msghdr, flags), (uint32_t)m->flags))
        return -EFAULT;
    return 0;
}

LINUX_CALL(recvmsg)
{
    struct linux_msghdr m;
    if (copy_from_guest(&m, a1, sizeof m) != 0)
        return -EFAULT;
    long r = receive_message((int32_t)a0, &m, (uint32_t)a2);
    return r >= 0 && put_header(a1, &m) != 0 ? -EFAULT : r;
}

LINUX_CALL(recvfrom)
{
    struct guest_iovec v = { a1, a2 };
    uint8_t address[ADDRESS_MAX];
    struct linux_msghdr m = { .iov = (uaddr_t)&v, .iov_count = 1 };
    uint64_t done, address_done, control_done;
    uint32_t flags_out;
    if ((int64_t)a2 < 0)
        return -EINVAL;
    error_t e = fs_recvmsg(fs_client(), (int32_t)a0, (uint32_t)a3, m.iov, 1, 0, 0,
                           (struct rpc_out){ address, sizeof address }, &done, &address_done,
                           &control_done, &flags_out);
    if (e != 0)
        return linux_error(e);
    long r = put_address(a4, a5, address, address_done);
    return r ? r : (long)done;
}

/* Several messages; an error after the first is left for the next call. */
LINUX_CALL(sendmmsg)
{
    uint32_t count = (uint32_t)a2 > MMSG_MAX ? MMSG_MAX : (uint32_t)a2;
    long r = 0;
    uint32_t i;
    for (i = 0; i < count; i++) {
        uaddr_t at = a1 + i * sizeof(struct linux_mmsghdr);
        struct linux_msghdr m;
        r = copy_from_guest(&m, at, sizeof m);
        if (r == 0)
            r = send_message((int32_t)a0, &m, (uint32_t)a3);
        if (r >= 0)
            r = put32(at + offsetof(struct linux_mmsghdr, len), (uint32_t)r);
        if (r < 0)
            break;
    }
    return i ? (long)i : r;
}

/* The timeout of recvmmsg(2) is looked at after each message, as Linux does. */
LINUX_CALL(recvmmsg)
{
    uint32_t count = (uint32_t)a2 > MMSG_MAX ? MMSG_MAX : (uint32_t)a2;
    uint32_t flags = (uint32_t)a3;
    ticks_t deadline;
    uint32_t i;
    long r = deadline_from_guest(a4, &deadline);
    if (r != 0)
        return r;
    for (i = 0; i < count; i++) {
        uaddr_t at = a1 + i * sizeof(struct linux_mmsghdr);
        struct linux_msghdr m;
        r = copy_from_guest(&m, at, sizeof m);
        if (r == 0)
            r = receive_message((int32_t)a0, &m, flags & ~MSG_WAITFORONE);
        if (r >= 0 && (put_header(at, &m) || put32(at + offsetof(struct linux_mmsghdr, len), (uint32_t)r)))
            r = -EFAULT;
        if (r < 0)
            break;
        if (flags & MSG_WAITFORONE)
            flags |= 0x40;      /* MSG_DONTWAIT */
        if (deadline != DEADLINE_NONE && now_ticks() >= deadline) {
            i++;
            break;
        }
    }
    return i ? (long)i : r;
}
