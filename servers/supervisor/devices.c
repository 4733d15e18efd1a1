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
enum { VIRTIO_ID_BLOCK = 2, VIRTIO_ID_CONSOLE = 3 };

static const struct { const char *compatible; enum device_kind kind; } known[] = {
    { "ns16550a", DEVICE_UART },
    { "sifive,uart0", DEVICE_UART },
    { "virtio,mmio", DEVICE_VIRTIO },
    { "google,goldfish-rtc", DEVICE_RTC },
};

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
    return magic == VIRTIO_MAGIC && (id == VIRTIO_ID_BLOCK || id == VIRTIO_ID_CONSOLE);
}

static bool read_node(const struct fdt *fdt, const struct fdt_node *node, struct device *out)
{
    size_t length;
    const char *status = fdt_property(fdt, node, "status", &length);

    if (status && length >= 8 && memcmp(status, "disabled", 8) == 0)
        return false;
    for (unsigned k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (!fdt_is_compatible(fdt, node, known[k].compatible))
            continue;
        *out = (struct device){ .kind = known[k].kind };
        strncpy(out->compatible, known[k].compatible, sizeof out->compatible - 1);
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
    struct segment_info info = { 0 };
    struct fdt fdt;

    if (!fdt_open(&fdt, fdt_blob, bytes))
        fail("the device tree is not readable");
    while (found < MAX_DEVICES - 1 && fdt_next(&fdt, &node))
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
        if (d.kind == DEVICE_VIRTIO && !wanted_virtio(&d))
            continue;
        out[kept++] = d;
    }
    out[kept] = (struct device){ .kind = DEVICE_DMA, .compatible = "atoll,dma", .bytes = DMA_BYTES };
    out[kept].segment = mem_physical(DMA_BYTES / PAGE_BYTES);
    must(sys_invoke(out[kept].segment, SEGMENT_INFO, (uint64_t)&info, 0, 0, 0, 0, NULL), "ask for the DMA address");
    out[kept].paddr = info.paddr;
    return kept + 1;
}
