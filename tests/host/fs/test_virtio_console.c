/* SPDX-License-Identifier: MIT */
/* build: servers/fs/drivers/virtio_mmio.c servers/fs/drivers/virtio_console.c servers/fs/drivers/dma.c;
 * include: servers/fs microkernel/abi */
/*
 * The virtio console driver against a simulated device: registers here, queues
 * in a buffer whose "physical" addresses are offset from ours. The device can
 * be slow, and can lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtio_console.h"

#define PHYS 0x80000000ul
#define NR_QUEUES 10u

static _Alignas(4096) uint8_t memory[1 << 20];
static struct dma_region dma;

/* ---- the device ---- */
static struct {
    uint32_t status, feature_sel, driver_sel, queue_sel, interrupts;
    uint64_t driver_features;
    struct { uint32_t num, ready; uint64_t desc, avail, used; uint16_t seen; } q[NR_QUEUES];
    uint32_t version, id, max_ports;
    bool slow, refuse_features;
    char output[2][65536];
    size_t output_bytes[2];
    bool port_open[2], announced;
} dev;

static void *at(uint64_t paddr) { return memory + (paddr - PHYS); }

static void use(unsigned q, uint16_t id, uint32_t len)
{
    struct virtq_used *used = at(dev.q[q].used);
    used->ring[used->idx % dev.q[q].num] = (struct virtq_used_elem){ id, len };
    used->idx++;
    dev.interrupts |= 1;
}

/* Next buffer the driver offered; false: none. */
static bool take(unsigned q, uint16_t *id, void **data, uint32_t *len)
{
    struct virtq_avail *avail = at(dev.q[q].avail);
    struct virtq_desc *desc = at(dev.q[q].desc);
    if (dev.q[q].seen == avail->idx)
        return false;
    *id = avail->ring[dev.q[q].seen++ % dev.q[q].num];
    *data = at(desc[*id].addr);
    *len = desc[*id].len;
    return true;
}

static void push(unsigned q, const void *data, uint32_t n)
{
    uint16_t id;
    void *to;
    uint32_t room;
    assert_true(take(q, &id, &to, &room));
    assert_true(n <= room);
    memcpy(to, data, n);
    use(q, id, n);
}

static void control_to_driver(uint32_t id, uint16_t event, uint16_t value, const char *name)
{
    struct { uint32_t id; uint16_t event, value; char name[32]; } m = { id, event, value, "" };
    uint32_t n = 8;
    if (name != NULL) {
        strcpy(m.name, name);
        n += (uint32_t)strlen(name);
    }
    push(2, &m, n);
}

static void control_from_driver(const uint8_t *m)
{
    uint32_t id;
    uint16_t event, value;
    memcpy(&id, m, 4);
    memcpy(&event, m + 4, 2);
    memcpy(&value, m + 6, 2);
    if (event == 0 && value == 1) {
        dev.announced = true;
        control_to_driver(0, 1, 1, NULL);
        control_to_driver(1, 1, 1, NULL);
    } else if (event == 3 && value == 1) {
        control_to_driver(id, 7, 1, id == 0 ? "atoll.stdout" : "atoll.stderr");
        control_to_driver(id, 6, 1, NULL);
    } else if (event == 6) {
        dev.port_open[id] = value;
    }
}

static void drain(unsigned q)
{
    uint16_t id;
    void *data;
    uint32_t len;
    while (take(q, &id, &data, &len)) {
        if (q == 3) {
            control_from_driver(data);
        } else if (q == 1 || q == 5) {
            unsigned port = q == 1 ? 0 : 1;
            memcpy(dev.output[port] + dev.output_bytes[port], data, len);
            dev.output_bytes[port] += len;
        }
        use(q, id, 0);
    }
}

uint32_t mmio_read32(uint64_t address)
{
    switch (address & 0xfff) {
    case 0x000: return 0x74726976;
    case 0x004: return dev.version;
    case 0x008: return dev.id;
    case 0x010: return dev.feature_sel == 1 ? 1 : 2;        /* VERSION_1, MULTIPORT */
    case 0x034: return dev.queue_sel < NR_QUEUES ? 64 : 0;
    case 0x044: return dev.q[dev.queue_sel].ready;
    case 0x060: return dev.interrupts;
    case 0x070: return dev.status;
    case 0x104: return dev.max_ports;
    default: return 0;
    }
}

void mmio_write32(uint64_t address, uint32_t value)
{
    unsigned q = dev.queue_sel;
    switch (address & 0xfff) {
    case 0x014: dev.feature_sel = value; break;
    case 0x020: dev.driver_features |= (uint64_t)value << (32 * dev.driver_sel); break;
    case 0x024: dev.driver_sel = value; break;
    case 0x030: dev.queue_sel = value; break;
    case 0x038: dev.q[q].num = value; break;
    case 0x044: dev.q[q].ready = value; break;
    case 0x050:
        assert_true(dev.status & 4);        /* DRIVER_OK came first */
        if (value == 3 || ((value == 1 || value == 5) && !dev.slow))
            drain(value);
        break;
    case 0x064: dev.interrupts &= ~value; break;
    case 0x070: dev.status = dev.refuse_features ? value & ~8u : value; break;
    case 0x080: dev.q[q].desc = value; break;
    case 0x084: dev.q[q].desc |= (uint64_t)value << 32; break;
    case 0x090: dev.q[q].avail = value; break;
    case 0x094: dev.q[q].avail |= (uint64_t)value << 32; break;
    case 0x0a0: dev.q[q].used = value; break;
    case 0x0a4: dev.q[q].used |= (uint64_t)value << 32; break;
    default: break;
    }
}

/* ---- the driver's owner ---- */
static struct virtio_device device;
static struct virtio_console vc;
static unsigned nr_ready, nr_removed, nr_sent;
static char received[4096];
static size_t received_bytes;

static void on_ready(struct vport *port) { (void)port; nr_ready++; }
static void on_removed(struct vport *port) { (void)port; nr_removed++; }
static void on_received(struct vport *port, const uint8_t *b, size_t n)
{
    (void)port;
    memcpy(received + received_bytes, b, n);
    received_bytes += n;
}
static void on_sent(struct vport *port) { (void)port; nr_sent++; }
static const struct virtio_console_ops ops = { on_ready, on_removed, on_received, on_sent };

static int setup(void **state)
{
    (void)state;
    memset(&dev, 0, sizeof(dev));
    memset(memory, 0xa5, sizeof(memory));
    dev.version = 2;
    dev.id = 3;
    dev.max_ports = 2;
    dma = (struct dma_region){ .address = (uintptr_t)memory, .paddr = PHYS, .bytes = sizeof(memory) };
    nr_ready = nr_removed = nr_sent = 0;
    received_bytes = 0;
    return 0;
}

static void start(void)
{
    assert_true(virtio_probe(&device, 0x10001000, &dma));
    assert_true(virtio_console_init(&vc, &device, &ops));
    virtio_console_interrupt(&vc);
}

static void ports_appear_by_name(void **state)
{
    (void)state;
    start();
    assert_true(dev.announced);
    assert_int_equal(nr_ready, 2);
    assert_true(dev.port_open[0] && dev.port_open[1]);
    assert_int_equal(dev.driver_features, 1ul << 32 | 2);
    assert_ptr_equal(virtio_console_port(&vc, "atoll.stderr"), &vc.port[1]);
    assert_null(virtio_console_port(&vc, "other"));
    virtio_console_interrupt(&vc);      /* the answers made another one */
    assert_int_equal(dev.interrupts, 0);
}

static void what_is_sent_arrives_in_order(void **state)
{
    static uint8_t many[10000];
    (void)state;
    start();
    struct vport *port = virtio_console_port(&vc, "atoll.stderr");
    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = (uint8_t)(i * 7);
    assert_int_equal(vport_send(port, many, sizeof(many)), sizeof(many));
    assert_true(vport_idle(port));
    assert_int_equal(dev.output_bytes[1], sizeof(many));
    assert_memory_equal(dev.output[1], many, sizeof(many));
    assert_int_equal(dev.output_bytes[0], 0);
}

static void a_slow_device_makes_the_sender_wait(void **state)
{
    static uint8_t many[VPORT_TX_BUFFERS * VPORT_TX_BYTES + 10];
    (void)state;
    start();
    dev.slow = true;
    struct vport *port = virtio_console_port(&vc, "atoll.stdout");
    assert_int_equal(vport_send(port, many, sizeof(many)), sizeof(many) - 10);
    assert_false(vport_can_send(port));
    assert_false(vport_idle(port));
    assert_int_equal(vport_send(port, many, 10), 0);
    drain(1);
    virtio_console_interrupt(&vc);
    assert_int_equal(nr_sent, 1);
    assert_true(vport_idle(port));
    assert_int_equal(vport_send(port, many, 10), 10);
    drain(1);
    assert_int_equal(dev.output_bytes[0], sizeof(many));
}

static void input_is_delivered_and_buffers_return(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 10; i++) {
        push(0, "abc", 3);
        virtio_console_interrupt(&vc);
    }
    assert_int_equal(received_bytes, 30);
}

static void many_writes_wrap_the_rings(void **state)
{
    (void)state;
    start();
    struct vport *port = virtio_console_port(&vc, "atoll.stdout");
    for (int i = 0; i < 60000; i++)
        assert_int_equal(vport_send(port, (const uint8_t *)"x", 1), 1);
    assert_int_equal(dev.output_bytes[0], 60000);
}

static void a_lying_device_is_left_alone(void **state)
{
    (void)state;
    start();
    struct vport *port = virtio_console_port(&vc, "atoll.stdout");
    use(1, 3, 0);           /* never offered */
    virtio_console_interrupt(&vc);
    assert_true(device.broken);
    assert_int_equal(vport_send(port, (const uint8_t *)"x", 1), 1);
    assert_true(vport_idle(port));
}

static void strange_control_messages_are_ignored(void **state)
{
    (void)state;
    start();
    control_to_driver(77, 1, 1, NULL);
    control_to_driver(0xffffffff, 7, 1, "x");
    push(2, "abc", 3);
    control_to_driver(0, 99, 1, NULL);
    control_to_driver(1, 2, 0, NULL);       /* unplugged */
    virtio_console_interrupt(&vc);
    assert_false(device.broken);
    assert_int_equal(nr_removed, 1);
    assert_null(virtio_console_port(&vc, "atoll.stderr"));
}

static void other_devices_are_not_taken(void **state)
{
    (void)state;
    dev.version = 1;
    assert_false(virtio_probe(&device, 0x10001000, &dma));
    dev.version = 2;
    dev.id = 0;
    assert_false(virtio_probe(&device, 0x10001000, &dma));
    dev.id = 2;
    assert_true(virtio_probe(&device, 0x10001000, &dma));
    assert_false(virtio_console_init(&vc, &device, &ops));
}

static void refused_features_end_the_start(void **state)
{
    (void)state;
    dev.refuse_features = true;
    assert_true(virtio_probe(&device, 0x10001000, &dma));
    assert_false(virtio_console_init(&vc, &device, &ops));
    assert_true(dev.status & 128);
}

static void too_little_dma_memory_ends_the_start(void **state)
{
    (void)state;
    dma.bytes = 4096;
    assert_true(virtio_probe(&device, 0x10001000, &dma));
    assert_false(virtio_console_init(&vc, &device, &ops));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        T(ports_appear_by_name), T(what_is_sent_arrives_in_order), T(a_slow_device_makes_the_sender_wait),
        T(input_is_delivered_and_buffers_return), T(many_writes_wrap_the_rings), T(a_lying_device_is_left_alone),
        T(strange_control_messages_are_ignored), T(other_devices_are_not_taken), T(refused_features_end_the_start),
        T(too_little_dma_memory_ends_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
