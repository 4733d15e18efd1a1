/* SPDX-License-Identifier: MIT */
/* Requests about mounts: mount, umount (mount(2), umount(2)). */
#include "dcache.h"
#include "mounts.h"
#include "process.h"

#define MS_MGC_MASK 0xffff0000u
#define MS_MGC_VAL  0xc0ed0000u

static bool is_mounted_root(const struct path *p)
{
    return p->mnt && p->dentry == p->mnt->root && p->mnt->attached;
}

static bool same_kind(const struct dentry *a, const struct dentry *b)
{
    return S_ISDIR(a->inode->mode) == S_ISDIR(b->inode->mode);
}

/* A place to mount on: what is on top there. */
static error_t destination(struct path *where)
{
    if (!where->mnt->attached)
        return ERR_INVALID_ARGUMENT;
    vfs_down_mounts(where);
    return dentry_is_gone(where->dentry) ? ERR_NOT_FOUND : 0;
}

static error_t source(struct process *p, const char *text, struct path *out)
{
    struct found from;
    error_t e;

    if (!text[0])
        return ERR_INVALID_ARGUMENT;
    e = vfs_lookup(p, FS_AT_FDCWD, text, LOOKUP_FOLLOW, &from);
    if (e)
        return e;
    *out = from.path;
    return out->dentry && out->mnt && out->mnt->attached ? 0 : ERR_INVALID_ARGUMENT;
}

/* The flags of one mount. Open files for writing keep it writable. */
static error_t remount_one(struct mount *m, uint32_t flags)
{
    if ((flags & MS_RDONLY) && !(m->flags & MS_RDONLY) && m->nr_writers)
        return ERR_BUSY;
    m->flags = flags & MS_PER_MOUNT;
    return 0;
}

/* Those of the file system, and of this mount of it. */
static error_t remount_all(struct mount *m, uint32_t flags)
{
    if ((flags & MS_RDONLY) && !(m->sb->flags & MS_RDONLY))
        for (struct mount *other = mounts; other; other = other->next)
            if (other->sb == m->sb && other->nr_writers)
                return ERR_BUSY;
    m->sb->flags = flags & MS_RDONLY;
    m->flags = flags & MS_PER_MOUNT;
    return 0;
}

static error_t bind(struct process *p, const char *text, const struct path *target, bool recurse)
{
    struct path from, where = *target;
    struct mount *tree;
    error_t e = source(p, text, &from);

    if (!e)
        e = destination(&where);
    if (!e && from.mnt->unbindable)
        e = ERR_INVALID_ARGUMENT;
    if (!e && !same_kind(from.dentry, where.dentry))
        e = ERR_NOT_DIRECTORY;
    if (!e)
        e = mount_copy_tree(from.mnt, from.dentry, recurse, &tree);
    if (e)
        return e;
    e = mount_graft(tree, &where);
    if (e)
        mount_discard_tree(tree);
    return e;
}

static bool has_unbindable(const struct mount *top)
{
    for (const struct mount *m = top; m; m = mount_next(m, top, false))
        if (m->unbindable)
            return true;
    return false;
}

static error_t move(struct process *p, const char *text, const struct path *target)
{
    struct path from, where = *target;
    error_t e = source(p, text, &from);

    if (!e)
        e = destination(&where);
    if (e)
        return e;
    if (!is_mounted_root(&from) || !from.mnt->parent || !same_kind(from.dentry, where.dentry) ||
        mount_shared(from.mnt->parent) || (mount_shared(where.mnt) && has_unbindable(from.mnt)))
        return ERR_INVALID_ARGUMENT;
    for (const struct mount *m = where.mnt; m; m = m->parent)
        if (m == from.mnt)
            return ERR_LOOP;
    return mount_graft(from.mnt, &where);
}

/* One of the four types, for one mount or with MS_REC for its tree. */
static error_t change_propagation(struct mount *top, uint32_t flags)
{
    uint32_t type = flags & ~(MS_REC | MS_SILENT);
    unsigned nr = 0;
    error_t e;

    if (type & (type - 1))
        return ERR_INVALID_ARGUMENT;
    for (const struct mount *m = top; m; m = mount_next(m, top, !(flags & MS_REC)))
        nr++;
    e = group_reserve(nr);
    if (e)
        return e;
    for (struct mount *m = top; m; m = mount_next(m, top, !(flags & MS_REC))) {
        switch (type) {
        case MS_SHARED: group_share(m); break;
        case MS_SLAVE: group_make_slave(m); break;
        default:
            group_make_private(m);
            m->unbindable = type == MS_UNBINDABLE;
            break;
        }
    }
    return 0;
}

error_t fs_serve_mount(struct rpc_call *call, const struct fs_mount_in *in, struct fs_mount_out *out)
{
    const uint32_t types = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    struct process *p = process_of(call);
    uint32_t flags = (uint32_t)in->flags;
    const struct fs_type *type;
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    e = vfs_lookup(p, FS_AT_FDCWD, in->target, LOOKUP_FOLLOW, &at);
    if (e)
        return e;
    if (!process_capable(p, CAP_SYS_ADMIN))
        return ERR_PERMISSION;
    if (!at.path.dentry || !at.path.mnt)
        return ERR_INVALID_ARGUMENT;
    if ((flags & MS_MGC_MASK) == MS_MGC_VAL)
        flags &= ~MS_MGC_MASK;
    if ((flags & (MS_REMOUNT | types)) && !(flags & MS_BIND && !(flags & MS_REMOUNT)) && !is_mounted_root(&at.path))
        return ERR_INVALID_ARGUMENT;
    if (flags & MS_REMOUNT)
        return flags & MS_BIND ? remount_one(at.path.mnt, flags) : remount_all(at.path.mnt, flags);
    if (flags & MS_BIND)
        return bind(p, in->source, &at.path, flags & MS_REC);
    if (flags & types)
        return change_propagation(at.path.mnt, flags);
    if (flags & MS_MOVE)
        return move(p, in->source, &at.path);
    type = vfs_find_type(in->type);
    if (!type)
        return in->type[0] ? ERR_NO_DEVICE : ERR_INVALID_ARGUMENT;
    if (!at.path.mnt->attached)
        return ERR_INVALID_ARGUMENT;
    return vfs_mount(type, in->source, &at.path, flags, NULL);
}

error_t fs_serve_umount(struct rpc_call *call, const struct fs_umount_in *in, struct fs_umount_out *out)
{
    struct process *p = process_of(call);
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
        return ERR_INVALID_ARGUMENT;        /* MNT_EXPIRE among them */
    e = vfs_lookup(p, FS_AT_FDCWD, in->target, in->flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
    if (e)
        return e;
    if (!process_capable(p, CAP_SYS_ADMIN))
        return ERR_PERMISSION;
    return is_mounted_root(&at.path) ? vfs_umount(at.path.mnt, in->flags) : ERR_INVALID_ARGUMENT;
}
