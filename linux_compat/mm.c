/* SPDX-License-Identifier: MIT */
/*
 * mmap and its family.
 *
 * vm.regions says what is mapped; the kernel's VSpace does the work. Both change
 * under vm.mm_lock. Anonymous private memory is local: one range operation of
 * the kernel and a change of the list. Files and shared anonymous memory are
 * mapped by fs (fs.mmap), which holds the MAP right on our VSpace.
 *
 * Places are chosen from the top down, below the stack. The list is changed
 * after the kernel agreed; that it has room is checked before.
 *
 * Differences to Linux: growing or duplicating a file mapping by mremap gives
 * ENOMEM or EINVAL (there is no descriptor to map more of); mprotect, madvise
 * and msync over a hole change nothing and give ENOMEM.
 */
#include <string.h>
#include <fs_client.h>
#include "error.h"
#include "guest.h"
#include "kcall.h"
#include "mm.h"
#include "vm.h"

enum {
    MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_SHARED_VALIDATE = 3, MAP_TYPE = 0xf, MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20, MAP_LOCKED = 0x2000, MAP_NORESERVE = 0x4000, MAP_POPULATE = 0x8000,
    MAP_HUGETLB = 0x40000, MAP_FIXED_NOREPLACE = 0x100000,
};
enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };
enum { RLIMIT_DATA_ = 2, RLIMIT_MEMLOCK_ = 8, RLIMIT_AS_ = 9 };
enum { F_GETFL_ = 3, O_ACCMODE_ = 3 };

struct vm vm;

static uint64_t page_up(uint64_t n) { return (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); }
static bool aligned(uint64_t n) { return !(n & (PAGE_BYTES - 1)); }
static uint64_t limit(unsigned which) { return this_thread()->ids->rlimit[which][0]; }

static bool in_guest(uaddr_t at, uint64_t bytes)
{
    return bytes <= GUEST_TOP && at <= GUEST_TOP - bytes;
}

/* RISC-V has no write-only pages. */
static uint8_t page_prot(uint64_t prot)
{
    uint8_t p = prot & VM_PROT_MASK;
    return p & VM_WRITE ? p | VM_READ : p;
}

void mm_init(void)
{
    region_init(&vm.regions);
    vm.stack_top = vm.stack_bottom = GUEST_TOP;
    vm.brk = vm.brk_start = 0;
}

static uaddr_t search_top(void)
{
    /* Room for the guard below the stack. */
    return vm.stack_bottom - 0x100000;
}

uaddr_t mm_find(uint64_t bytes)
{
    return region_search(&vm.regions, MMAP_LOW, search_top(), page_up(bytes));
}

void mm_set_stack(uaddr_t bottom, uaddr_t top)
{
    vm.stack_bottom = bottom;
    vm.stack_top = top;
    this_process()->sig->stack_start = top;
}

void mm_set_brk(uaddr_t start)
{
    vm.brk_start = vm.brk = start;
    this_process()->sig->brk_start = this_process()->sig->brk = start;
}

static void note(uaddr_t at, uint64_t bytes, uint8_t prot, uint8_t kind, uint8_t name, uint64_t offset, uint8_t flags)
{
    struct region r = {
        .start = at, .end = at + bytes, .offset = offset, .prot = prot, .kind = kind, .name = name, .flags = flags,
        .file = kind == REGION_ANON ? 0 : vm.regions.next_file++,
    };
    region_remove(&vm.regions, at, at + bytes);
    region_insert(&vm.regions, &r);
}

error_t mm_map_fixed(uaddr_t at, uint64_t bytes, uint8_t prot, uint8_t name)
{
    bytes = page_up(bytes);
    if (!bytes)
        return ERR_OK;
    if (!in_guest(at, bytes) || at < MMAP_LOW || !region_has_room(&vm.regions))
        return ERR_NOT_EXECUTABLE;
    error_t e = vspace_reserve(at, bytes, page_prot(prot) | VM_REPLACE);
    if (!e)
        note(at, bytes, page_prot(prot), REGION_ANON, name, 0, 0);
    return e;
}

error_t mm_map_file(int32_t fd, uaddr_t at, uint64_t bytes, uint8_t prot, uint64_t offset, uint8_t name)
{
    bytes = page_up(bytes);
    if (!in_guest(at, bytes) || at < MMAP_LOW || !region_has_room(&vm.regions))
        return ERR_NOT_EXECUTABLE;
    error_t e = fs_mmap(fs_client(), fd, at, bytes, page_prot(prot), VM_REPLACE, offset);
    if (!e)
        note(at, bytes, page_prot(prot), REGION_FILE, name, offset, 0);
    return e;
}

int32_t mm_fault_code(uaddr_t at)
{
    lock_take(&vm.mm_lock);
    bool mapped = region_at(&vm.regions, at);
    lock_give(&vm.mm_lock);
    return mapped ? 2 : 1;
}

long mm_is_shared(uaddr_t at)
{
    lock_take(&vm.mm_lock);
    const struct region *r = region_at(&vm.regions, at);
    long result = !r ? -EFAULT : r->kind == REGION_ANON_SHARED || r->kind == REGION_FILE_SHARED;
    lock_give(&vm.mm_lock);
    return result;
}

void mm_drop_all(void)
{
    vspace_unmap(0, GUEST_TOP);     /* the list goes with the process */
}

void mm_after_fork(void)
{
    for (uint32_t i = 0; i < vm.regions.nr; i++) {
        struct region *r = &vm.regions.r[i];
        if (r->flags & REGION_WIPEONFORK)
            vspace_discard(r->start, r->end - r->start);
        if (r->flags & REGION_DONTFORK) {
            uaddr_t start = r->start, end = r->end;
            vspace_unmap(start, end - start);
            region_remove(&vm.regions, start, end);
            i--;
        }
    }
}

/* ---- mmap ---- */

struct map_request {
    uaddr_t  at;
    uint64_t bytes, offset;
    uint8_t  prot, kind, flags;
    uint32_t vm_flags;
    int32_t  fd;
};

/* May the file behind a shared mapping be written later by mprotect? */
static long shared_file_flags(struct map_request *m)
{
    uint64_t mode;
    if (m->kind != REGION_FILE_SHARED || (m->prot & VM_WRITE))
        return 0;
    error_t e = fs_fcntl(fs_client(), m->fd, F_GETFL_, 0, &mode);
    if (e)
        return linux_error(e);
    if (!(mode & O_ACCMODE_))
        m->flags |= REGION_NO_WRITE;
    return 0;
}

static error_t install(const struct map_request *m)
{
    switch (m->kind) {
    case REGION_ANON:
        return vspace_reserve(m->at, m->bytes, m->prot | m->vm_flags);
    case REGION_ANON_SHARED:
        return fs_mmap(fs_client(), -1, m->at, m->bytes, m->prot, m->vm_flags | VM_SHARED, 0);
    case REGION_FILE:
        return fs_mmap(fs_client(), m->fd, m->at, m->bytes, m->prot, m->vm_flags, m->offset);
    default:
        return fs_mmap(fs_client(), m->fd, m->at, m->bytes, m->prot, m->vm_flags | VM_SHARED, m->offset);
    }
}

static long decode_mmap(struct map_request *m, uint64_t flags, uint64_t fd)
{
    unsigned type = flags & MAP_TYPE;
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    if (!shared && type != MAP_PRIVATE)
        return -EINVAL;
    if (!m->bytes || !aligned(m->offset))
        return -EINVAL;
    m->bytes = page_up(m->bytes);
    if (!m->bytes)
        return -ENOMEM;
    if (flags & MAP_HUGETLB)
        return -EINVAL;     /* no huge page pool */
    if (flags & MAP_ANONYMOUS) {
        m->kind = shared ? REGION_ANON_SHARED : REGION_ANON;
        m->fd = -1;
        m->offset = 0;
    } else {
        m->kind = shared ? REGION_FILE_SHARED : REGION_FILE;
        m->fd = (int32_t)fd;
        if (m->fd < 0)
            return -EBADF;      /* what fs takes for anonymous memory */
        if (m->offset + m->bytes < m->offset)
            return -EOVERFLOW;
    }
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (!aligned(m->at))
            return -EINVAL;
        if (!in_guest(m->at, m->bytes))
            return -ENOMEM;
        if (m->at < MMAP_LOW)
            return -EPERM;
    } else if (!in_guest(0, m->bytes)) {
        return -ENOMEM;
    }
    return 0;
}

long sys_mmap(uint64_t at, uint64_t bytes, uint64_t prot, uint64_t flags, uint64_t fd, uint64_t offset);
long sys_mmap(uint64_t at, uint64_t bytes, uint64_t prot, uint64_t flags, uint64_t fd, uint64_t offset)
{
    struct map_request m = { .at = at, .bytes = bytes, .offset = offset, .prot = page_prot(prot) };
    long result = decode_mmap(&m, flags, fd);
    if (result || (result = shared_file_flags(&m)))
        return result;

    lock_take(&vm.mm_lock);
    if (!region_has_room(&vm.regions) || vm.reserved_bytes + m.bytes > limit(RLIMIT_AS_)) {
        result = -ENOMEM;
        goto out;
    }
    bool free = true;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        free = region_is_free(&vm.regions, m.at, m.at + m.bytes);
        if (!free && (flags & MAP_FIXED_NOREPLACE)) {
            result = -EEXIST;
            goto out;
        }
        if (!free)
            m.vm_flags |= VM_REPLACE;
    } else {
        m.at &= ~(PAGE_BYTES - 1);
        if (m.at < MMAP_LOW || !in_guest(m.at, m.bytes) || m.at + m.bytes > search_top() ||
            !region_is_free(&vm.regions, m.at, m.at + m.bytes))
            m.at = region_search(&vm.regions, MMAP_LOW, search_top(), m.bytes);
        if (!m.at) {
            result = -ENOMEM;
            goto out;
        }
    }
    error_t e = install(&m);
    if (e) {
        result = linux_error(e);
        goto out;
    }
    struct region r = { .start = m.at, .end = m.at + m.bytes, .offset = m.offset, .prot = m.prot, .kind = m.kind,
                        .flags = m.flags, .file = m.kind == REGION_ANON ? 0 : vm.regions.next_file++ };
    if (!free)
        vm.reserved_bytes -= region_remove(&vm.regions, r.start, r.end);
    region_insert(&vm.regions, &r);
    vm.reserved_bytes += m.bytes;
    result = (long)m.at;
out:
    lock_give(&vm.mm_lock);
    if (result > 0 && (flags & (MAP_POPULATE | MAP_LOCKED)) && m.prot)
        vspace_populate(m.at, m.bytes, m.prot & VM_WRITE && m.kind == REGION_ANON);
    return result;
}

long sys_munmap(uint64_t at, uint64_t bytes);
long sys_munmap(uint64_t at, uint64_t bytes)
{
    if (!aligned(at) || !bytes || !in_guest(at, bytes))
        return -EINVAL;
    bytes = page_up(bytes);
    if (!in_guest(at, bytes))
        return -EINVAL;
    long result = 0;
    lock_take(&vm.mm_lock);
    if (!region_has_room(&vm.regions)) {
        result = -ENOMEM;
    } else if (!region_is_free(&vm.regions, at, at + bytes)) {
        error_t e = vspace_unmap(at, bytes);
        if (e)
            result = linux_error(e);
        else
            vm.reserved_bytes -= region_remove(&vm.regions, at, at + bytes);
    }
    lock_give(&vm.mm_lock);
    return result;
}

/* Any region in the range with REGION_NO_WRITE? */
static bool write_forbidden(uaddr_t start, uaddr_t end)
{
    for (uint32_t i = region_find(&vm.regions, start); i < vm.regions.nr && vm.regions.r[i].start < end; i++)
        if (vm.regions.r[i].flags & REGION_NO_WRITE)
            return true;
    return false;
}

long sys_mprotect(uint64_t at, uint64_t bytes, uint64_t prot);
long sys_mprotect(uint64_t at, uint64_t bytes, uint64_t prot)
{
    if (!aligned(at) || (prot & ~(uint64_t)(VM_PROT_MASK | 0x8 | 0x03000000)))
        return -EINVAL;
    bytes = page_up(bytes);
    if (!bytes)
        return 0;
    if (!in_guest(at, bytes))
        return -ENOMEM;
    long result = 0;
    uint8_t p = page_prot(prot);
    lock_take(&vm.mm_lock);
    if (!region_is_covered(&vm.regions, at, at + bytes) || !region_has_room(&vm.regions)) {
        result = -ENOMEM;
    } else if ((p & VM_WRITE) && write_forbidden(at, at + bytes)) {
        result = -EACCES;
    } else {
        error_t e = vspace_protect(at, bytes, p);
        if (e)
            result = linux_error(e);
        else
            region_protect(&vm.regions, at, at + bytes, p);
    }
    lock_give(&vm.mm_lock);
    return result;
}

/* ---- mremap; the lock is held ---- */

static long unmap_locked(uaddr_t at, uint64_t bytes)
{
    error_t e = vspace_unmap(at, bytes);
    if (e)
        return linux_error(e);
    vm.reserved_bytes -= region_remove(&vm.regions, at, at + bytes);
    return 0;
}

static long grow_in_place(const struct region *r, uaddr_t at, uint64_t old_bytes, uint64_t new_bytes)
{
    uaddr_t end = at + old_bytes;
    if (r->end != end || r->kind != REGION_ANON || !in_guest(at, new_bytes) ||
        !region_is_free(&vm.regions, end, at + new_bytes))
        return -ENOMEM;
    struct region more = *r;
    more.start = end;
    more.end = at + new_bytes;
    error_t e = vspace_reserve(end, new_bytes - old_bytes, r->prot);
    if (e)
        return linux_error(e);
    region_insert(&vm.regions, &more);
    vm.reserved_bytes += new_bytes - old_bytes;
    return (long)at;
}

static long move_region(const struct region *source, uaddr_t at, uint64_t old_bytes, uint64_t new_bytes, uaddr_t to,
                        bool keep)
{
    struct region r = *source;
    if (new_bytes > old_bytes && r.kind != REGION_ANON)
        return -ENOMEM;
    if (r.kind == REGION_FILE || r.kind == REGION_FILE_SHARED)
        r.offset += at - r.start;
    uint64_t bytes = old_bytes < new_bytes ? old_bytes : new_bytes;
    if (new_bytes > old_bytes) {
        error_t e = vspace_reserve(to + old_bytes, new_bytes - old_bytes, r.prot);
        if (e)
            return linux_error(e);
    }
    error_t e = vspace_move(at, bytes, to);
    if (e) {
        if (new_bytes > old_bytes)
            vspace_unmap(to + old_bytes, new_bytes - old_bytes);
        return linux_error(e);
    }
    if (keep)
        vspace_reserve(at, bytes, r.prot);
    else
        region_remove(&vm.regions, at, at + old_bytes);
    vm.reserved_bytes += new_bytes - (keep ? 0 : old_bytes);
    r.start = to;
    r.end = to + new_bytes;
    region_insert(&vm.regions, &r);
    return (long)to;
}

static long mremap_locked(uaddr_t at, uint64_t old_bytes, uint64_t new_bytes, uint64_t flags, uaddr_t to)
{
    const struct region *r = region_at(&vm.regions, at);
    if (!r || r->end < at + old_bytes)
        return -EFAULT;
    if (!old_bytes)
        return -EINVAL;
    if (new_bytes > old_bytes && vm.reserved_bytes + new_bytes - old_bytes > limit(RLIMIT_AS_))
        return -ENOMEM;
    bool keep = flags & MREMAP_DONTUNMAP;
    if (keep && r->kind != REGION_ANON)
        return -EINVAL;
    long result;
    if (flags & MREMAP_FIXED) {
        if (!aligned(to) || !in_guest(to, new_bytes) || (to < at + old_bytes && at < to + new_bytes))
            return -EINVAL;
        if (to < MMAP_LOW)
            return -EPERM;
        if (!region_is_free(&vm.regions, to, to + new_bytes) && (result = unmap_locked(to, new_bytes)))
            return result;
    } else if (!keep) {
        if (new_bytes == old_bytes)
            return (long)at;
        if (new_bytes < old_bytes) {
            result = unmap_locked(at + new_bytes, old_bytes - new_bytes);
            return result ? result : (long)at;
        }
        result = grow_in_place(r, at, old_bytes, new_bytes);
        if (result != -ENOMEM || !(flags & MREMAP_MAYMOVE))
            return result;
        to = 0;
    }
    if (!(flags & MREMAP_FIXED)) {
        to = to && keep && aligned(to) && in_guest(to, new_bytes) &&
             region_is_free(&vm.regions, to, to + new_bytes) ? to : 0;
        if (!to && !(to = region_search(&vm.regions, MMAP_LOW, search_top(), new_bytes)))
            return -ENOMEM;
    }
    if (new_bytes < old_bytes) {
        if ((result = unmap_locked(at + new_bytes, old_bytes - new_bytes)))
            return result;
        old_bytes = new_bytes;
    }
    /* The list changed: look again. */
    r = region_at(&vm.regions, at);
    return r ? move_region(r, at, old_bytes, new_bytes, to, keep) : -EFAULT;
}

long sys_mremap(uint64_t at, uint64_t old_bytes, uint64_t new_bytes, uint64_t flags, uint64_t to);
long sys_mremap(uint64_t at, uint64_t old_bytes, uint64_t new_bytes, uint64_t flags, uint64_t to)
{
    if ((flags & ~7ul) || !aligned(at) || ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)) ||
        ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_bytes != new_bytes)))
        return -EINVAL;
    if (!in_guest(at, old_bytes) || !in_guest(0, new_bytes))
        return -EINVAL;
    old_bytes = page_up(old_bytes);
    new_bytes = page_up(new_bytes);
    if (!new_bytes)
        return -EINVAL;
    lock_take(&vm.mm_lock);
    long result = region_has_room(&vm.regions) ? mremap_locked(at, old_bytes, new_bytes, flags, to) : -ENOMEM;
    lock_give(&vm.mm_lock);
    return result;
}

/* ---- the heap ---- */

long sys_brk(uint64_t to);
long sys_brk(uint64_t to)
{
    lock_take(&vm.mm_lock);
    uaddr_t old_end = page_up(vm.brk), new_end = page_up(to);
    if (to < vm.brk_start || to >= GUEST_TOP || !region_has_room(&vm.regions))
        goto out;
    if (new_end > old_end) {
        uint64_t more = new_end - old_end;
        struct region r = { .start = old_end, .end = new_end, .prot = VM_READ | VM_WRITE, .name = NAME_HEAP };
        if (to - vm.brk_start > limit(RLIMIT_DATA_) || vm.reserved_bytes + more > limit(RLIMIT_AS_) ||
            !region_is_free(&vm.regions, old_end, new_end + PAGE_BYTES) || vspace_reserve(old_end, more, r.prot))
            goto out;
        region_insert(&vm.regions, &r);
        vm.reserved_bytes += more;
    } else if (new_end < old_end) {
        if (unmap_locked(new_end, old_end - new_end))
            goto out;
    }
    vm.brk = to;
    this_process()->sig->brk = to;
out:
    to = vm.brk;
    lock_give(&vm.mm_lock);
    return (long)to;
}

/* ---- advice and residence ---- */

enum {
    MADV_NORMAL = 0, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE = 8, MADV_REMOVE,
    MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP,
    MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
};

/* Call with the lock held; the range is covered. */
static long advise(uaddr_t at, uint64_t bytes, int advice)
{
    error_t e = ERR_OK;
    uaddr_t end = at + bytes;
    switch (advice) {
    case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_COLD: case MADV_PAGEOUT:
    case MADV_HUGEPAGE: case MADV_NOHUGEPAGE: case MADV_DONTDUMP: case MADV_DODUMP:
    case MADV_MERGEABLE: case MADV_UNMERGEABLE:
        return 0;               /* advice that asks for nothing observable */
    case MADV_WILLNEED: case MADV_POPULATE_READ:
        e = vspace_populate(at, bytes, false);
        return advice == MADV_WILLNEED ? 0 : linux_error(e);
    case MADV_POPULATE_WRITE:
        return linux_error(vspace_populate(at, bytes, true));
    case MADV_DONTNEED: case MADV_FREE:
        for (uint32_t i = region_find(&vm.regions, at); !e && i < vm.regions.nr && vm.regions.r[i].start < end; i++) {
            const struct region *r = &vm.regions.r[i];
            uaddr_t from = r->start > at ? r->start : at, to = r->end < end ? r->end : end;
            if (r->kind == REGION_ANON || (advice == MADV_DONTNEED && r->kind == REGION_FILE))
                e = vspace_discard(from, to - from);
            else if (advice == MADV_FREE)
                return -EINVAL;
        }
        return linux_error(e);
    case MADV_DONTFORK:
        region_set_flags(&vm.regions, at, end, REGION_DONTFORK, 0);
        return 0;
    case MADV_DOFORK:
        region_set_flags(&vm.regions, at, end, 0, REGION_DONTFORK);
        return 0;
    case MADV_WIPEONFORK:
        region_set_flags(&vm.regions, at, end, REGION_WIPEONFORK, 0);
        return 0;
    case MADV_KEEPONFORK:
        region_set_flags(&vm.regions, at, end, 0, REGION_WIPEONFORK);
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_madvise(uint64_t at, uint64_t bytes, uint64_t advice);
long sys_madvise(uint64_t at, uint64_t bytes, uint64_t advice)
{
    if (!aligned(at) || (bytes && !page_up(bytes)))
        return -EINVAL;
    bytes = page_up(bytes);
    if (!bytes)
        return 0;
    if (!in_guest(at, bytes))
        return -ENOMEM;
    lock_take(&vm.mm_lock);
    long result = region_is_covered(&vm.regions, at, at + bytes) && region_has_room(&vm.regions)
        ? advise(at, bytes, (int32_t)advice) : -ENOMEM;
    lock_give(&vm.mm_lock);
    return result;
}

static long check_covered(uint64_t at, uint64_t bytes)
{
    if (!in_guest(at, page_up(bytes)))
        return -ENOMEM;
    lock_take(&vm.mm_lock);
    bool ok = region_is_covered(&vm.regions, at, at + page_up(bytes));
    lock_give(&vm.mm_lock);
    return ok ? 0 : -ENOMEM;
}

/* Stores to a shared mapping are stores to the page cache, so other processes
 * and read() see them at once; writing them to a disk is fs's own business. */
long sys_msync(uint64_t at, uint64_t bytes, uint64_t flags);
long sys_msync(uint64_t at, uint64_t bytes, uint64_t flags)
{
    if ((flags & ~7ul) || (flags & 5) == 5 || !aligned(at))
        return -EINVAL;
    return check_covered(at, bytes);
}

long sys_mlock(uint64_t at, uint64_t bytes);
long sys_mlock(uint64_t at, uint64_t bytes)
{
    uaddr_t start = at & ~(PAGE_BYTES - 1);
    bytes = page_up(bytes + (at - start));
    if (bytes > limit(RLIMIT_MEMLOCK_) && this_thread()->ids->euid)
        return -ENOMEM;
    long result = check_covered(start, bytes);
    /* Nothing is ever paged out: present is locked. */
    return result ? result : linux_error(vspace_populate(start, bytes, false));
}

long sys_mlock2(uint64_t at, uint64_t bytes, uint64_t flags);
long sys_mlock2(uint64_t at, uint64_t bytes, uint64_t flags)
{
    if (flags & ~1ul)
        return -EINVAL;
    return flags ? check_covered(at & ~(PAGE_BYTES - 1), bytes) : sys_mlock(at, bytes);
}

long sys_munlock(uint64_t at, uint64_t bytes);
long sys_munlock(uint64_t at, uint64_t bytes)
{
    return check_covered(at & ~(PAGE_BYTES - 1), bytes);
}

long sys_mlockall(uint64_t flags);
long sys_mlockall(uint64_t flags)
{
    return !flags || (flags & ~7ul) || flags == 4 ? -EINVAL : 0;
}

long sys_munlockall(void);
long sys_munlockall(void)
{
    return 0;
}

long sys_mincore(uint64_t at, uint64_t bytes, uint64_t vec);
long sys_mincore(uint64_t at, uint64_t bytes, uint64_t vec)
{
    if (!aligned(at))
        return -EINVAL;
    long result = check_covered(at, bytes);
    uint8_t out[64];
    unsigned n = 0;
    for (uint64_t done = 0; !result && done < page_up(bytes); done += PAGE_BYTES) {
        struct vspace_query q = { 0 };
        if (kcall_invoke(GUEST_CAP_VSPACE, VSPACE_QUERY, at + done, (uint64_t)&q, 0))
            return -ENOMEM;
        out[n++] = (q.flags & 0x100) != 0;
        if (n == sizeof(out) || done + PAGE_BYTES >= page_up(bytes)) {
            result = copy_to_guest(vec, out, n);
            vec += n;
            n = 0;
        }
    }
    return result;
}

/* ---- /proc/self/maps ---- */

static char maps_text[32768];
static struct lock maps_lock;

static char *put_hex(char *p, uint64_t v, unsigned digits)
{
    while (digits < 16 && v >> (4 * digits))
        digits++;
    while (digits--)
        *p++ = "0123456789abcdef"[(v >> (4 * digits)) & 15];
    return p;
}

static char *put_line(char *p, uaddr_t start, uaddr_t end, unsigned prot, bool shared, uint64_t offset, const char *name)
{
    p = put_hex(p, start, 8);
    *p++ = '-';
    p = put_hex(p, end, 8);
    *p++ = ' ';
    *p++ = prot & VM_READ ? 'r' : '-';
    *p++ = prot & VM_WRITE ? 'w' : '-';
    *p++ = prot & VM_EXEC ? 'x' : '-';
    *p++ = shared ? 's' : 'p';
    *p++ = ' ';
    p = put_hex(p, offset, 8);
    memcpy(p, " 00:00 0 ", 9);  /* NOLINT(bugprone-not-null-terminated-result): the name comes behind it */
    p += 9;
    while (*name)
        *p++ = *name++;
    *p++ = '\n';
    return p;
}

void mm_publish_maps(void)
{
    static const char *const names[] = { "", "[heap]", "[stack]", "", "" };
    lock_take(&maps_lock);
    lock_take(&vm.mm_lock);
    char *p = maps_text, *end = maps_text + sizeof(maps_text) - 256;
    for (uint32_t i = 0; i < vm.regions.nr && p < end; i++) {
        const struct region *r = &vm.regions.r[i];
        p = put_line(p, r->start, r->end, r->prot, r->kind == REGION_ANON_SHARED || r->kind == REGION_FILE_SHARED,
                     r->offset, names[r->name]);
    }
    lock_give(&vm.mm_lock);
    p = put_line(p, VDSO_BASE, VDSO_BASE + PAGE_BYTES, VM_READ | VM_EXEC, false, 0, "[vdso]");
    struct sig_page *s = this_process()->sig;
    s->maps_bytes = (uint64_t)(p - maps_text);
    s->maps_address = (uint64_t)maps_text;
    lock_give(&maps_lock);
}
