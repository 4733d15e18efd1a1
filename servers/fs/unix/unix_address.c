/* SPDX-License-Identifier: MIT */
/*
 * Names of unix sockets. A path name is a node of the file system whose inode
 * points to the socket (inode->special); an abstract name is an entry of a hash
 * table here. Both disappear with the socket; the node stays, dead.
 */
#include <stdlib.h>
#include <string.h>

#include "../mounts.h"
#include "unix.h"

#define ABSTRACT_BUCKETS 64u

static struct unix_socket *abstract[ABSTRACT_BUCKETS];
static uint32_t next_autobind;

void unix_address_put(struct unix_address *a)
{
    if (a != NULL && --a->refs == 0)
        free(a);
}

static struct unix_address *address_new(const uint8_t *name, uint32_t bytes)
{
    struct unix_address *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->refs = 1;
    a->bytes = bytes;
    memcpy(a->name, name, bytes);
    return a;
}

/* Is it a sockaddr_un with a name in it? */
static error_t check(const uint8_t *name, uint32_t bytes)
{
    uint16_t family;

    if (bytes < sizeof(family) || bytes > UNIX_ADDRESS_MAX)
        return ERR_INVALID_ARGUMENT;
    memcpy(&family, name, sizeof(family));
    return family == AF_UNIX ? 0 : ERR_INVALID_ARGUMENT;
}

static bool is_path(const uint8_t *name, uint32_t bytes)
{
    return bytes > 2 && name[2] != '\0';
}

/* The path with a NUL, which the caller may have left out. */
static void copy_path(char *path, const uint8_t *name, uint32_t bytes)
{
    memcpy(path, name + 2, bytes - 2);
    path[bytes - 2] = '\0';
}

/* ---- the abstract space ---- */

static struct unix_socket **bucket_of(const uint8_t *name, uint32_t bytes)
{
    uint32_t h = 2166136261u;

    for (uint32_t i = 2; i < bytes; i++)
        h = (h ^ name[i]) * 16777619u;
    return &abstract[h % ABSTRACT_BUCKETS];
}

static struct unix_socket *find_abstract(const uint8_t *name, uint32_t bytes)
{
    struct unix_socket *u = *bucket_of(name, bytes);

    while (u != NULL && (u->address->bytes != bytes || memcmp(u->address->name + 2, name + 2, bytes - 2) != 0))
        u = u->abstract_next;
    return u;
}

static error_t bind_abstract(struct unix_socket *u, const uint8_t *name, uint32_t bytes)
{
    if (find_abstract(name, bytes) != NULL)
        return ERR_ADDRESS_IN_USE;
    u->address = address_new(name, bytes);
    if (u->address == NULL)
        return ERR_NO_MEMORY;
    struct unix_socket **bucket = bucket_of(name, bytes);
    u->abstract_next = *bucket;
    *bucket = u;
    u->is_abstract = true;
    return 0;
}

/* Five hexadecimal digits, as Linux chooses names for those who want any. */
error_t unix_autobind(struct unix_socket *u)
{
    uint8_t name[8] = { AF_UNIX, 0, 0 };

    if (u->address != NULL)
        return 0;
    for (uint32_t tries = 0; tries < 0x100000; tries++) {
        uint32_t n = next_autobind++ & 0xfffff;
        for (unsigned i = 0; i < 5; i++)
            name[3 + i] = (uint8_t)"0123456789abcdef"[n >> (16 - 4 * i) & 0xf];
        error_t error = bind_abstract(u, name, sizeof(name));
        if (error != ERR_ADDRESS_IN_USE)
            return error;
    }
    return ERR_NO_SPACE;
}

/* ---- paths ---- */

static void node_released(struct inode *inode)
{
    inode->special = NULL;
}

static error_t bind_path(struct process *p, struct unix_socket *u, const uint8_t *name, uint32_t bytes)
{
    char path[UNIX_PATH_MAX + 1];
    struct path made;

    copy_path(path, name, bytes);
    /* the name ends at its NUL, and says so to who asks */
    struct unix_address *address = address_new(name, 2 + (uint32_t)strlen(path) + 1);
    if (address == NULL)
        return ERR_NO_MEMORY;
    error_t error = vfs_mknod(p, FS_AT_FDCWD, path, S_IFSOCK | 0777, 0, &made);
    if (error != 0) {
        unix_address_put(address);
        return error == ERR_EXISTS ? ERR_ADDRESS_IN_USE : error;
    }
    u->address = address;
    u->inode = inode_get(made.dentry->inode);
    u->mnt = mount_get(made.mnt);
    u->inode->special = u;
    u->inode->special_release = node_released;
    return 0;
}

error_t unix_bind(struct process *p, struct unix_socket *u, const uint8_t *name, uint32_t bytes)
{
    error_t error = check(name, bytes);

    if (error != 0)
        return error;
    if (bytes == 2)
        return unix_autobind(u);
    if (u->address != NULL)
        return ERR_INVALID_ARGUMENT;
    return is_path(name, bytes) ? bind_path(p, u, name, bytes) : bind_abstract(u, name, bytes);
}

void unix_unbind(struct unix_socket *u)
{
    if (u->is_abstract) {
        struct unix_socket **at = bucket_of(u->address->name, u->address->bytes);
        while (*at != u)
            at = &(*at)->abstract_next;
        *at = u->abstract_next;
        u->is_abstract = false;
    }
    if (u->inode != NULL) {
        u->inode->special = NULL;
        inode_put(u->inode);
        u->inode = NULL;
        mount_put(u->mnt);
        u->mnt = NULL;
    }
    unix_address_put(u->address);
    u->address = NULL;
}

/* ---- finding ---- */

static error_t resolve_path(struct process *p, const uint8_t *name, uint32_t bytes, struct unix_socket **out)
{
    char path[UNIX_PATH_MAX + 1];
    struct found found;

    copy_path(path, name, bytes);
    error_t error = vfs_lookup(p, FS_AT_FDCWD, path, LOOKUP_FOLLOW, &found);
    if (error != 0)
        return error;
    if (found.path.dentry == NULL)
        return ERR_CONN_REFUSED;
    struct inode *inode = found.path.dentry->inode;
    error = vfs_permission(p, found.path.mnt, inode, MAY_WRITE);
    if (error != 0)
        return error;
    if (!S_ISSOCK(inode->mode) || inode->special == NULL)
        return ERR_CONN_REFUSED;
    *out = inode->special;
    return 0;
}

error_t unix_resolve(struct process *p, const uint8_t *name, uint32_t bytes, uint32_t type, struct unix_socket **out)
{
    error_t error = check(name, bytes);

    if (error != 0)
        return error;
    if (bytes == 2)
        return ERR_INVALID_ARGUMENT;
    if (is_path(name, bytes)) {
        error = resolve_path(p, name, bytes, out);
        if (error != 0)
            return error;
    } else {
        *out = find_abstract(name, bytes);
        if (*out == NULL)
            return ERR_CONN_REFUSED;
    }
    return (*out)->type == type ? 0 : ERR_PROTOCOL_TYPE;
}
