/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that counts how often each translated block was executed, for
 * `build.py profile` (tools/atoll_build/profile.py).
 *
 * QEMU keeps a translation per physical address, so blocks of different address
 * spaces that lie at the same virtual address are told apart. Which program a block
 * belongs to is found afterwards from its bytes, which are written out too.
 *
 * Output (argument out=FILE), one line a block, at exit:
 *     address instructions executions bytes-in-hex
 *
 * The declarations are those of QEMU's plugin API, version 1 (docs/devel/tcg-plugins),
 * since distributions do not package the header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id_t, void (*)(plugin_id_t, struct qemu_plugin_tb *));
/* op 0: add the immediate to *where */
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op, void *where, uint64_t immediate);
void qemu_plugin_register_atexit_cb(plugin_id_t, void (*)(plugin_id_t, void *), void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id_t, const void *info, int argc, char **argv);

#define KEPT_BYTES 64

/* Blocks are only ever added; a block that QEMU translates anew gets another one. */
struct block {
    struct block *next;
    uint64_t executions;
    uint64_t address;
    uint32_t instructions, nr_bytes;
    uint8_t bytes[KEPT_BYTES];
};

static struct block *blocks;
static const char *out_path;

static void translated(plugin_id_t id, struct qemu_plugin_tb *tb)
{
    struct block *b = calloc(1, sizeof *b);

    (void)id;
    if (b == NULL)
        return;
    b->address = qemu_plugin_tb_vaddr(tb);
    b->instructions = (uint32_t)qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < b->instructions; i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        size_t size = qemu_plugin_insn_size(insn);
        if (size > KEPT_BYTES - b->nr_bytes)
            break;
        memcpy(b->bytes + b->nr_bytes, qemu_plugin_insn_data(insn), size);
        b->nr_bytes += (uint32_t)size;
    }
    b->next = blocks;
    blocks = b;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &b->executions, 1);
}

static void write_out(plugin_id_t id, void *unused)
{
    FILE *out = fopen(out_path, "w");

    (void)id, (void)unused;
    if (out == NULL)
        return;
    for (const struct block *b = blocks; b != NULL; b = b->next) {
        if (b->executions == 0)
            continue;
        fprintf(out, "%" PRIx64 " %u %" PRIu64 " ", b->address, b->instructions, b->executions);
        for (uint32_t i = 0; i < b->nr_bytes; i++)
            fprintf(out, "%02x", b->bytes[i]);
        fputc('\n', out);
    }
    fclose(out);
}

int qemu_plugin_install(plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out_path = strdup(argv[i] + 4);
    if (out_path == NULL) {
        fprintf(stderr, "count_blocks: say out=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, write_out, NULL);
    return 0;
}
