/* SPDX-License-Identifier: MIT */
/*
 * Which devices the machine has. Facts come from the device tree; whether a
 * virtio-mmio slot is in use is asked of its registers (Virtual I/O Device 1.1,
 * 4.2.2), which the supervisor maps for a moment. Only kinds that some
 * component's drivers know are taken.
 */
#include "devices.h"

#include <fdt.h>
#include <string.h>

#include "main.h"
#include "memory.h"
#include "sys.h"

#define PROBE_ADDRESS   0x20000000ul
#define VIRTIO_MAGIC    0x74726976u
enum { VIRTIO_MAGIC_VALUE = 0x000, VIRTIO_DEVICE_ID = 0x008 };

/* Is one of the devices that the assembly names behind this slot? */
static bool wanted_virtio(const struct device *d)
{
    const volatile uint32_t *regs;
    uint32_t magic, id;

    if (sys_invoke(CAP_INIT_VSPACE, VSPACE_MAP, PROBE_ADDRESS, PAGE_BYTES, VM_READ | VM_SHARED, d->segment, 0, NULL) != 0)
        return false;
    regs = (const volatile uint32_t *)(PROBE_ADDRESS + (d->paddr & (PAGE_BYTES - 1)));
    magic = regs[VIRTIO_MAGIC_VALUE / 4];
    id = regs[VIRTIO_DEVICE_ID / 4];
    must(sys_invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, PROBE_ADDRESS, PAGE_BYTES, 0, 0, 0, NULL), "unmap a probed device");
    return magic == VIRTIO_MAGIC && id < 32 && device_kinds[d->kind].behind & 1u << id;
}

/* Which of a kind's names the node has, or NULL. */
static const char *matches(const struct fdt *fdt, const struct fdt_node *node, const struct device_kind *kind)
{
    for (unsigned i = 0; i < MAX_COMPATIBLE && kind->compatible[i]; i++)
        if (fdt_is_compatible(fdt, node, kind->compatible[i]))
            return kind->compatible[i];
    return NULL;
}

static bool read_node(const struct fdt *fdt, const struct fdt_node *node, struct device *out)
{
    size_t length;
    const char *compatible, *status = fdt_property(fdt, node, "status", &length);

    if (status && length >= 8 && memcmp(status, "disabled", 8) == 0)
        return false;
    for (unsigned k = 0; k < NR_DEVICE_KINDS; k++) {
        if (device_kinds[k].ram_bytes || !(compatible = matches(fdt, node, &device_kinds[k])))
            continue;
        *out = (struct device){ .kind = k, .compatible = compatible };
        if (!fdt_reg(fdt, node, 0, &out->paddr, &out->bytes) || out->bytes == 0)
            return false;
        if (!fdt_cell(fdt, node, "interrupts", 0, &out->irq))
            out->irq = 0;
        return true;
    }
    return false;
}

/* Ascending addresses: mem_device wants them so. */
static void sort(struct device *d, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct device moved = d[i];
        unsigned j = i;

        for (; j > 0 && d[j - 1].paddr > moved.paddr; j--)
            d[j] = d[j - 1];
        d[j] = moved;
    }
}

unsigned devices_find(const void *fdt_blob, size_t bytes, struct device *out)
{
    struct fdt_node node = { 0 };
    unsigned found = 0, kept = 0;
    struct fdt fdt;

    if (!fdt_open(&fdt, fdt_blob, bytes))
        fail("the device tree is not readable");
    while (found < MAX_DEVICES - NR_DEVICE_KINDS && fdt_next(&fdt, &node))
        if (read_node(&fdt, &node, &out[found]))
            found++;
    sort(out, found);
    for (unsigned i = 0; i < found; i++) {
        struct device d = out[i];

        d.segment = mem_device(d.paddr, d.bytes);
        if (!d.segment) {
            say("no memory capability for %s at %#lx", d.compatible, d.paddr);
            continue;
        }
        if (device_kinds[d.kind].behind && !wanted_virtio(&d))
            continue;
        out[kept++] = d;
    }
    for (unsigned k = 0; k < NR_DEVICE_KINDS; k++) {
        struct segment_info info = { 0 };

        if (!device_kinds[k].ram_bytes)
            continue;
        out[kept] = (struct device){ .kind = k, .compatible = device_kinds[k].compatible[0],
                                     .bytes = device_kinds[k].ram_bytes };
        out[kept].segment = mem_physical((unsigned)(out[kept].bytes / PAGE_BYTES));
        must(sys_invoke(out[kept].segment, SEGMENT_INFO, (uint64_t)&info, 0, 0, 0, 0, NULL), "ask for a memory's address");
        out[kept++].paddr = info.paddr;
    }
    return kept;
}
