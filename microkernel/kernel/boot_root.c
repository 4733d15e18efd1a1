/* SPDX-License-Identifier: MIT */
/*
 * The root task (atoll/bootinfo.h): its objects, its address space, its image
 * from the ramdisk, and capabilities to everything that is left. All checks end
 * in a panic with a clear message: the ramdisk belongs to the system.
 */
#include "kernel/boot.h"

#include "kernel/assert.h"
#include "kernel/hart.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "kernel/tree.h"
#include "kernel/usercopy.h"
#include "object/pool.h"
#include "object/sched_context.h"
#include "object/segment.h"
#include "object/tcb_ops.h"
#include "object/untyped.h"
#include "object/vspace.h"

#define ROOT_RADIX       14
#define ROOT_PRIORITY    128
#define ROOT_POOL_EXTRA  (4ul << 20)

static struct slot *root_cnode;
static struct bootinfo info;

static void give(unsigned index, enum cap_type type, const void *object, unsigned extra)
{
    tree_add_child(&tree_root, &root_cnode[index]);
    slot_set(&root_cnode[index], cap_word(type, object, RIGHTS_ALL, extra), 0);
}

static void give_physical(unsigned index, paddr_t base, uint64_t bytes)
{
    struct segment *seg = untyped_alloc_physical();
    paddr_t first = base & ~(PAGE_BYTES - 1);

    kassert(seg != NULL);
    segment_init_physical(seg, first, page_up(base + bytes - first) >> PAGE_BITS, false);
    give(index, CAP_TYPE_SEGMENT, seg, 0);
}

static void add_untyped(paddr_t base, unsigned bits, bool device)
{
    unsigned n = (unsigned)info.nr_untypeds;

    if (n == BOOT_MAX_UNTYPEDS)
        return;
    info.untyped[n].paddr = base;
    info.untyped[n].size_bits = (uint8_t)bits;
    info.untyped[n].device = device;
    give(CAP_INIT_FIRST_UNTYPED + n, CAP_TYPE_UNTYPED, phys_to_kva(base), bits);
    root_cnode[CAP_INIT_FIRST_UNTYPED + n].word1 = device ? UNTYPED_DEVICE : 0;
    info.nr_untypeds++;
}

static const struct system_header *find_header(const struct fdt_facts *f)
{
    uint64_t bytes = f->initrd_end - f->initrd_start;
    const struct system_header *h = phys_to_kva(f->initrd_start);

    if (f->initrd_end <= f->initrd_start || bytes < sizeof(*h))
        panic("no ramdisk: start with -initrd");
    if (h->magic != SYSTEM_MAGIC)
        panic("the ramdisk is no system image");
    if (h->root_offset > bytes || h->root_bytes > bytes - h->root_offset ||
        h->archive_offset > bytes || h->root_memory_bytes < h->root_bytes ||
        h->root_memory_bytes > ROOT_STACK_TOP - ROOT_STACK_BYTES - ROOT_BASE ||
        h->root_text_bytes % PAGE_BYTES != 0 || h->root_rodata_bytes % PAGE_BYTES != 0 ||
        h->root_text_bytes + h->root_rodata_bytes > page_up(h->root_memory_bytes))
        panic("the ramdisk's header is malformed");
    return h;
}

static void must(error_t err, const char *what)
{
    if (err != 0)
        panic("root task: %s: error %d", what, err);
}

static void map_private(struct vspace *vs, uaddr_t va, uint64_t bytes)
{
    must(vspace_reserve(vs, va, page_up(bytes), VM_READ | VM_WRITE, NULL), "reserve");
}

static void load_image(struct vspace *vs, const struct system_header *h)
{
    const char *image = (const char *)h + h->root_offset;

    map_private(vs, ROOT_BASE, h->root_memory_bytes);
    for (uint64_t at = 0; at < h->root_bytes; at += PAGE_BYTES) {
        uint64_t n = h->root_bytes - at < PAGE_BYTES ? h->root_bytes - at : PAGE_BYTES;
        must(copy_to_user(vs, ROOT_BASE + at, image + at, n), "copy image");
    }
    if (h->root_text_bytes != 0)
        must(vspace_protect(vs, ROOT_BASE, h->root_text_bytes, VM_READ | VM_EXEC, NULL), "text");
    if (h->root_rodata_bytes != 0)
        must(vspace_protect(vs, ROOT_BASE + h->root_text_bytes, h->root_rodata_bytes, VM_READ,
                            NULL), "rodata");
    map_private(vs, ROOT_STACK_TOP - ROOT_STACK_BYTES, ROOT_STACK_BYTES);
}

static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);

    for (bool start = true; *line != '\0'; start = *line++ == ' ')
        if (start && strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == '\0'))
            return true;
    return false;
}

static void fill_info(const struct fdt_facts *f, const struct system_header *h, paddr_t fdt)
{
    paddr_t archive = f->initrd_start + h->archive_offset;

    info.nr_harts = nr_harts;
    info.boot_hart = this_hart()->id;
    info.timebase_hz = timebase_hz;
    info.archive_bytes = f->initrd_end - archive;
    info.archive_page_offset = archive & (PAGE_BYTES - 1);
    info.fdt_bytes = f->total_bytes;
    info.fdt_page_offset = fdt & (PAGE_BYTES - 1);
    for (unsigned i = 0; i < nr_harts; i++)
        info.mhartid[i] = harts[i].mhartid;
    memcpy(info.command_line, f->bootargs, sizeof(info.command_line));
    if (info.archive_bytes != 0)
        give_physical(CAP_INIT_ARCHIVE, archive, info.archive_bytes);
    give_physical(CAP_INIT_FDT, fdt, f->total_bytes);
    give_physical(CAP_INIT_HART_PAGE, kva_to_phys(&hart_page), sizeof(hart_page));
    if (has_word(f->bootargs, "trace")) {
        uint64_t bytes = nr_harts * sizeof(struct trace_ring);
        struct trace_ring *rings = boot_alloc(bytes, PAGE_BYTES);
        trace_init(rings);
        give_physical(CAP_INIT_TRACE, kva_to_phys(rings), bytes);
    }
    boot_memory_untypeds(f, add_untyped);
    info.first_free_slot = CAP_INIT_FIRST_UNTYPED + info.nr_untypeds;
}

struct tcb *boot_root_task(const struct fdt_facts *f, paddr_t fdt)
{
    const struct system_header *h = find_header(f);
    uint64_t pool_bytes = page_up(h->root_memory_bytes + ROOT_STACK_BYTES + ROOT_POOL_EXTRA);
    uint64_t cnode_bytes = 1ul << (ROOT_RADIX + SLOT_BITS);

    root_cnode = boot_alloc(cnode_bytes, cnode_bytes);
    struct tcb *t = boot_alloc(1ul << TCB_BITS, 1ul << TCB_BITS);
    struct vspace *vs = boot_alloc(1ul << VSPACE_BITS, 1ul << VSPACE_BITS);
    struct sched_context *sc = boot_alloc(1ul << SCHED_CONTEXT_BITS, 1ul << SCHED_CONTEXT_BITS);
    struct pool *pool = boot_alloc(pool_bytes, PAGE_BYTES);

    tcb_init(t);
    vspace_init(vs);
    sched_context_init(sc, timebase_hz / 100);
    pool_init(pool, kva_to_phys(pool), pool_bytes >> PAGE_BITS, kva_to_phys(pool),
              pool_bytes >> PAGE_BITS);
    must(vspace_bind(vs, pool, 0), "bind");
    load_image(vs, h);

    give(CAP_INIT_CNODE, CAP_TYPE_CNODE, root_cnode, ROOT_RADIX);
    give(CAP_INIT_TCB, CAP_TYPE_TCB, t, 0);
    give(CAP_INIT_VSPACE, CAP_TYPE_VSPACE, vs, 0);
    give(CAP_INIT_SCHED, CAP_TYPE_SCHED_CONTEXT, sc, 0);
    give(CAP_INIT_PLATFORM, CAP_TYPE_PLATFORM, phys_to_kva(0), 0);
    give(CAP_INIT_POOL, CAP_TYPE_POOL, pool, 0);
    fill_info(f, h, fdt);
    map_private(vs, ROOT_BOOTINFO, sizeof(info));
    must(copy_to_user(vs, ROOT_BOOTINFO, &info, sizeof(info)), "copy bootinfo");
    must(vspace_protect(vs, ROOT_BOOTINFO, page_up(sizeof(info)), VM_READ, NULL), "bootinfo");

    slot_derive(&t->slot[TCB_SLOT_CSPACE], &root_cnode[CAP_INIT_CNODE], RIGHTS_ALL, 0, CAP_INTERNAL);
    slot_derive(&t->slot[TCB_SLOT_VSPACE], &root_cnode[CAP_INIT_VSPACE], RIGHTS_ALL, 0, CAP_INTERNAL);
    slot_derive(&t->slot[TCB_SLOT_SCHED], &root_cnode[CAP_INIT_SCHED], RIGHTS_ALL, 0, CAP_INTERNAL);
    t->priority = ROOT_PRIORITY;
    tcb_take_slots(t);
    memcpy(t->name, "root", 5);
    root_thread = t;
    t->x[0] = h->root_entry;
    t->x[2] = ROOT_STACK_TOP;
    t->x[10] = ROOT_BOOTINFO;
    return t;
}
