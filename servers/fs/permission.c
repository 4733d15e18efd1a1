/* SPDX-License-Identifier: MIT */
/*
 * Who may do what: mode bits, groups, capabilities, sticky directories
 * (path_resolution(7), inode(7), capabilities(7)).
 */
#include "dcache.h"
#include "mounts.h"
#include "process.h"

static uint32_t class_bits(struct process *p, const struct inode *i)
{
    if (process_fsuid(p) == i->uid)
        return i->mode >> 6;
    if (process_in_group(p, i->gid))
        return i->mode >> 3;
    return i->mode;
}

bool vfs_read_only(const struct mount *m, const struct inode *i)
{
    return (i->sb->flags | (m ? m->flags : 0)) & MS_RDONLY;
}

error_t vfs_permission(struct process *p, const struct mount *m, struct inode *i, uint32_t may)
{
    if ((may & MAY_WRITE) && vfs_read_only(m, i) && !S_ISCHR(i->mode) && !S_ISBLK(i->mode) &&
        !S_ISFIFO(i->mode) && !S_ISSOCK(i->mode))
        return ERR_READ_ONLY;
    if (!p || (class_bits(p, i) & may) == may)
        return 0;
    if (S_ISDIR(i->mode)) {
        if (process_capable(p, CAP_DAC_OVERRIDE))
            return 0;
        return !(may & MAY_WRITE) && process_capable(p, CAP_DAC_READ_SEARCH) ? 0 : ERR_ACCESS;
    }
    if (process_capable(p, CAP_DAC_OVERRIDE) && (!(may & MAY_EXEC) || (i->mode & 0111)))
        return 0;
    return may == MAY_READ && process_capable(p, CAP_DAC_READ_SEARCH) ? 0 : ERR_ACCESS;
}

bool vfs_owner_or_capable(struct process *p, struct inode *i)
{
    return !p || process_fsuid(p) == i->uid || process_capable(p, CAP_FOWNER);
}

error_t vfs_may_create(struct process *p, const struct path *dir)
{
    if (dentry_is_gone(dir->dentry))
        return ERR_NOT_FOUND;
    if (dir->dentry->inode->sb->type->read_only_names)
        return p ? ERR_ACCESS : 0;
    return vfs_permission(p, dir->mnt, dir->dentry->inode, MAY_WRITE | MAY_EXEC);
}

error_t vfs_may_delete(struct process *p, const struct path *at, struct inode *victim)
{
    struct inode *dir = at->dentry->inode;
    error_t e;

    if (dir->sb->type->read_only_names)
        return ERR_PERMISSION;
    e = vfs_permission(p, at->mnt, dir, MAY_WRITE | MAY_EXEC);
    if (e || !p || !(dir->mode & S_ISVTX))
        return e;
    if (process_fsuid(p) == victim->uid || process_fsuid(p) == dir->uid || process_capable(p, CAP_FOWNER))
        return 0;
    return ERR_PERMISSION;
}
