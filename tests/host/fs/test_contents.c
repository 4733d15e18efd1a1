/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c
 *        servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* Contents: reading, writing, sizes, holes, mappings, directories' entries, transfers, waiting. */
#include "names_fakes.h"

#include <stdio.h>

#include "segments.h"

static struct fs_stat st;

static void bytes_written_are_read_back(void **state)
{
    static uint8_t data[20000], back[20000];
    int64_t fd = t_open(SLOT_A, "/rw", O_CREAT | O_RDWR, 0644);

    (void)state;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    for (unsigned at = 0, n = 1; at < sizeof data; at += n, n = n * 3 % 4001 + 1) {
        n = n < sizeof data - at ? n : (unsigned)sizeof data - at;
        assert_int_equal(t_write(SLOT_A, fd, data + at, n), n);
    }
    assert_int_equal(t_lseek(SLOT_A, fd, 0, 0), 0);
    assert_int_equal(t_read(SLOT_A, fd, back, sizeof back), sizeof back);
    assert_memory_equal(data, back, sizeof data);
    assert_int_equal(t_read(SLOT_A, fd, back, 10), 0);
    assert_int_equal(t_pread(SLOT_A, fd, back, 100, 19990), 10);
    assert_int_equal(t_pread(SLOT_A, fd, back, 100, 4090), 100);
    assert_memory_equal(data + 4090, back, 100);
    assert_int_equal(t_lseek(SLOT_A, fd, -1, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_lseek(SLOT_A, fd, -5, 2), 19995);
    assert_int_equal(t_lseek(SLOT_A, fd, INT64_MAX, 1), ERR_OVERFLOW);
    t_close(SLOT_A, fd);
}

static void append_writes_at_the_end(void **state)
{
    char text[16] = { 0 };
    int64_t a = t_open(SLOT_A, "/app", O_CREAT | O_RDWR | O_APPEND, 0644), b = t_open(SLOT_B, "/app", O_WRONLY, 0);

    (void)state;
    t_write(SLOT_A, a, "one", 3);
    t_pwrite(SLOT_B, b, "TWOTWO", 6, 3);
    t_lseek(SLOT_A, a, 0, 0);
    t_write(SLOT_A, a, "3", 1);
    assert_int_equal(t_pread(SLOT_A, a, text, 16, 0), 10);
    assert_string_equal(text, "oneTWOTWO3");
    t_close(SLOT_A, a);
    t_close(SLOT_B, b);
}

static void holes_read_as_zeros_and_cost_nothing(void **state)
{
    static uint8_t back[8192];
    int64_t fd = t_open(SLOT_A, "/hole", O_CREAT | O_RDWR, 0644);
    uint64_t pages = fake_pool_pages;

    (void)state;
    assert_int_equal(t_ftruncate(SLOT_A, fd, 1 << 20), 0);
    assert_int_equal(t_pread(SLOT_A, fd, back, sizeof back, 5000), sizeof back);
    for (unsigned i = 0; i < sizeof back; i++)
        assert_int_equal(back[i], 0);
    assert_int_equal(t_pwrite(SLOT_A, fd, "x", 1, 500000), 1);
    t_fstat(SLOT_A, fd, &st);
    assert_int_equal(st.size, 1 << 20);
    assert_true(pages - fake_pool_pages == 1);
    assert_int_equal(t_lseek(SLOT_A, fd, 0, 4), 123 * 4096);
    assert_int_equal(t_lseek(SLOT_A, fd, 600000, 3), ERR_NO_ADDRESS);
    assert_int_equal(t_lseek(SLOT_A, fd, 1 << 21, 4), ERR_NO_ADDRESS);
    t_close(SLOT_A, fd);
    t_unlink(SLOT_A, "/hole");
    assert_int_equal(fake_pool_pages, pages);
}

static void truncation_forgets_what_was_beyond(void **state)
{
    char back[64];
    int64_t fd = t_open(SLOT_A, "/trunc", O_CREAT | O_RDWR, 0644);

    (void)state;
    memset(back, 'z', sizeof back);
    for (int i = 0; i < 200; i++)
        t_write(SLOT_A, fd, back, sizeof back);
    assert_int_equal(t_ftruncate(SLOT_A, fd, 5000), 0);
    assert_int_equal(t_ftruncate(SLOT_A, fd, 9000), 0);
    assert_int_equal(t_pread(SLOT_A, fd, back, 20, 4990), 20);
    assert_memory_equal(back, "zzzzzzzzzz\0\0\0\0\0\0\0\0\0\0", 20);
    assert_int_equal(t_pwrite(SLOT_A, fd, "end", 3, 20000), 3);
    assert_int_equal(t_pread(SLOT_A, fd, back, 4, 12000), 4);
    assert_memory_equal(back, "\0\0\0\0", 4);
    assert_int_equal(t_truncate(SLOT_A, "/trunc", 0), 0);
    t_fstat(SLOT_A, fd, &st);
    assert_int_equal(st.size, 0);
    assert_int_equal(st.blocks, 0);
    assert_int_equal(t_truncate(SLOT_A, "/", 0), ERR_IS_DIRECTORY);
    t_close(SLOT_A, fd);
    fd = t_open(SLOT_A, "/trunc", O_RDONLY, 0);
    assert_int_equal(t_ftruncate(SLOT_A, fd, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_write(SLOT_A, fd, "x", 1), ERR_BAD_HANDLE);
    t_close(SLOT_A, fd);
}

/* The same random operations on fs and on a plain array end alike. */
static void random_operations_agree_with_a_model(void **state)
{
    static uint8_t model[1 << 16], data[9000], back[1 << 16];
    uint64_t size = 0;
    int64_t fd = t_open(SLOT_A, "/model", O_CREAT | O_RDWR, 0644);
    struct rpc_call call = fake_call(SLOT_A, 0);

    (void)state;
    srand(7);
    for (int i = 0; i < 3000; i++) {
        uint64_t at = (uint64_t)rand() % 50000, n = (uint64_t)rand() % sizeof data;

        switch (rand() % 6) {
        case 0: case 1: case 2:
            for (unsigned k = 0; k < n; k++)
                data[k] = (uint8_t)rand();
            assert_int_equal(t_pwrite(SLOT_A, fd, data, n, at), n);
            memcpy(model + at, data, n);
            size = n && at + n > size ? at + n : size;
            break;
        case 3:
            assert_int_equal(t_ftruncate(SLOT_A, fd, at), 0);
            if (at < size)
                memset(model + at, 0, size - at);
            size = at;
            break;
        case 4:
            assert_int_equal(SERVE_FILE(fallocate, FS_FILE_USE, &call, fd, NULL, .mode = 3, .offset = at, .length = n + 1), 0);
            if (at < size)
                memset(model + at, 0, at + n + 1 < size ? n + 1 : size - at);
            break;
        case 5:
            if (rand() % 20 == 0) {
                struct fs_mmap_in in = { .fd = (int32_t)fd, .address = 0x10000, .length = 4096, .prot = 1,
                                         .flags = 0x10 };
                assert_int_equal(fs_serve_mmap(&call, &in, NULL), 0);
            }
            break;
        }
        assert_int_equal(t_pread(SLOT_A, fd, back, sizeof back, 0), size);
        assert_memory_equal(model, back, size);
    }
    t_close(SLOT_A, fd);
    t_unlink(SLOT_A, "/model");
}

static void an_unlinked_file_lives_while_it_is_open(void **state)
{
    char back[8] = { 0 };
    uint64_t pages = fake_pool_pages;
    int64_t fd = t_open(SLOT_A, "/gone", O_CREAT | O_RDWR, 0644);

    (void)state;
    t_write(SLOT_A, fd, "still", 5);
    assert_int_equal(t_unlink(SLOT_A, "/gone"), 0);
    assert_int_equal(t_stat(SLOT_A, "/gone", &st), ERR_NOT_FOUND);
    assert_int_equal(t_pread(SLOT_A, fd, back, 8, 0), 5);
    t_fstat(SLOT_A, fd, &st);
    assert_int_equal(st.nlink, 0);
    t_close(SLOT_A, fd);
    assert_int_equal(fake_pool_pages, pages);
}

static void segments_are_recycled(void **state)
{
    unsigned before;

    (void)state;
    t_touch(SLOT_A, "/warm");
    int64_t fd = t_open(SLOT_A, "/warm", O_WRONLY, 0);
    t_write(SLOT_A, fd, "x", 1);
    t_close(SLOT_A, fd);
    t_unlink(SLOT_A, "/warm");
    before = fake_nr_segments;
    for (int i = 0; i < 100; i++) {
        fd = t_open(SLOT_A, "/cycle", O_CREAT | O_RDWR, 0644);
        t_write(SLOT_A, fd, "data", 4);
        t_close(SLOT_A, fd);
        t_unlink(SLOT_A, "/cycle");
    }
    assert_int_equal(fake_nr_segments, before);
}

static void a_mapped_file_keeps_its_segment_until_unmapped(void **state)
{
    struct rpc_call call = fake_call(SLOT_A, 0);
    uint64_t pages = fake_pool_pages;
    int64_t fd = t_open(SLOT_A, "/mapped", O_CREAT | O_RDWR, 0644), ro;
    struct fs_mmap_in in = { .fd = (int32_t)fd, .address = 0x10000, .length = 4096, .prot = 3, .flags = 0x10 };

    (void)state;
    t_write(SLOT_A, fd, "x", 1);
    assert_int_equal(fs_serve_mmap(&call, &in, NULL), 0);
    assert_int_equal(fake_map_rights, 1);
    ro = t_open(SLOT_A, "/mapped", O_RDONLY, 0);
    in.fd = (int32_t)ro;
    assert_int_equal(fs_serve_mmap(&call, &in, NULL), ERR_ACCESS);
    in.prot = 1;
    assert_int_equal(fs_serve_mmap(&call, &in, NULL), 0);
    assert_int_equal(fake_map_rights, 0);       /* a later mprotect cannot make it writable */
    in.flags = 0;
    in.prot = 3;
    assert_int_equal(fs_serve_mmap(&call, &in, NULL), 0);
    in.address = 0x3fc0000000ul;
    assert_int_equal(fs_serve_mmap(&call, &in, NULL), ERR_INVALID_ARGUMENT);
    t_close(SLOT_A, fd);
    t_close(SLOT_A, ro);
    fake_nr_mappings = 1;
    t_unlink(SLOT_A, "/mapped");
    assert_int_equal(fake_pool_pages, pages - 1);
    fake_nr_mappings = 0;
    segments_reap();
    assert_int_equal(fake_pool_pages, pages);
}

static void a_full_pool_is_no_space(void **state)
{
    static uint8_t data[8 * 4096];
    uint64_t pages = fake_pool_pages;
    int64_t fd = t_open(SLOT_A, "/full", O_CREAT | O_RDWR, 0644);

    (void)state;
    fake_pool_pages = 2;
    assert_int_equal(t_write(SLOT_A, fd, data, sizeof data), 2 * 4096);
    assert_int_equal(t_write(SLOT_A, fd, data, sizeof data), ERR_NO_SPACE);
    t_close(SLOT_A, fd);
    t_unlink(SLOT_A, "/full");
    assert_int_equal(fake_pool_pages, 2);
    fake_pool_pages = pages;
}

/* ---- directories ---- */
struct entry { uint64_t ino; int64_t next; uint16_t bytes; uint8_t type; char name[]; };

static void getdents_lists_all_names_once_in_any_buffer(void **state)
{
    static uint8_t buffer[4096];
    char path[64];
    int seen[500] = { 0 }, dots = 0;

    (void)state;
    t_mkdir(SLOT_A, "/many", 0755);
    for (int i = 0; i < 500; i++) {
        sprintf(path, "/many/name-%d", i);
        t_touch(SLOT_A, path);
    }
    int64_t fd = t_open(SLOT_A, "/many", O_RDONLY | O_DIRECTORY, 0), n;

    for (unsigned size = 48; (n = t_getdents(SLOT_A, fd, buffer, size)) > 0; size = size * 5 % 3000 + 48) {
        for (int64_t at = 0; at < n;) {
            struct entry *e = (struct entry *)(buffer + at);

            assert_int_equal(e->bytes % 8, 0);
            if (e->name[0] == '.')
                dots++;
            else
                seen[atoi(e->name + 5)]++;
            at += e->bytes;
        }
    }
    assert_int_equal(n, 0);
    assert_int_equal(dots, 2);
    for (int i = 0; i < 500; i++)
        assert_int_equal(seen[i], 1);
    t_lseek(SLOT_A, fd, 0, 0);
    assert_int_equal(t_getdents(SLOT_A, fd, buffer, 10), ERR_INVALID_ARGUMENT);
    t_close(SLOT_A, fd);
}

static void getdents_survives_removal_while_reading(void **state)
{
    static uint8_t buffer[128];
    char path[300];
    int removed = 0;
    int64_t fd = t_open(SLOT_A, "/many", O_RDONLY | O_DIRECTORY, 0), n;

    (void)state;
    while ((n = t_getdents(SLOT_A, fd, buffer, sizeof buffer)) > 0) {
        for (int64_t at = 0; at < n;) {
            struct entry *e = (struct entry *)(buffer + at);

            if (e->name[0] != '.') {
                snprintf(path, sizeof path, "/many/%s", e->name);
                assert_int_equal(t_unlink(SLOT_A, path), 0);
                removed++;
            }
            at += e->bytes;
        }
    }
    assert_int_equal(removed, 500);
    t_close(SLOT_A, fd);
    assert_int_equal(t_rmdir(SLOT_A, "/many"), 0);
}

/* ---- devices, memfd, transfer ---- */
static void memory_devices_do_what_they_are_for(void **state)
{
    uint8_t a[64], b[64];

    (void)state;
    assert_int_equal(vfs_mknod(NULL, FS_AT_FDCWD, "/null", S_IFCHR | 0666, FS_MAKEDEV(1, 3), NULL), 0);
    assert_int_equal(vfs_mknod(NULL, FS_AT_FDCWD, "/zero", S_IFCHR | 0666, FS_MAKEDEV(1, 5), NULL), 0);
    assert_int_equal(vfs_mknod(NULL, FS_AT_FDCWD, "/full-dev", S_IFCHR | 0666, FS_MAKEDEV(1, 7), NULL), 0);
    assert_int_equal(vfs_mknod(NULL, FS_AT_FDCWD, "/rnd", S_IFCHR | 0666, FS_MAKEDEV(1, 9), NULL), 0);
    assert_int_equal(vfs_mknod(NULL, FS_AT_FDCWD, "/nodev", S_IFCHR | 0666, FS_MAKEDEV(77, 9), NULL), 0);
    int64_t n = t_open(SLOT_A, "/null", O_RDWR, 0), z = t_open(SLOT_A, "/zero", O_RDWR, 0);
    int64_t f = t_open(SLOT_A, "/full-dev", O_RDWR, 0), r = t_open(SLOT_A, "/rnd", O_RDWR, 0);

    assert_int_equal(t_open(SLOT_A, "/nodev", O_RDWR, 0), ERR_NO_ADDRESS);
    assert_int_equal(t_read(SLOT_A, n, a, 64), 0);
    assert_int_equal(t_write(SLOT_A, n, a, 64), 64);
    memset(a, 1, 64);
    assert_int_equal(t_read(SLOT_A, z, a, 64), 64);
    assert_int_equal(a[0] | a[63], 0);
    assert_int_equal(t_write(SLOT_A, f, a, 64), ERR_NO_SPACE);
    assert_int_equal(t_read(SLOT_A, r, a, 64), 64);
    assert_int_equal(t_read(SLOT_A, r, b, 64), 64);
    assert_true(memcmp(a, b, 64));
    assert_int_equal(fake_process(SLOT_A)->fd_words[n].kind, FD_NULL);
    t_close(SLOT_A, n), t_close(SLOT_A, z), t_close(SLOT_A, f), t_close(SLOT_A, r);
}

static void transfer_copies_between_files(void **state)
{
    static uint8_t data[200000], back[200000];
    int64_t from = t_open(SLOT_A, "/tf", O_CREAT | O_RDWR, 0644), to = t_open(SLOT_A, "/tt", O_CREAT | O_RDWR, 0644);
    struct rpc_call call = fake_call(SLOT_A, FS_METHOD_TRANSFER);
    struct fs_transfer_out out = { 0 };

    (void)state;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i % 253);
    t_pwrite(SLOT_A, from, data, sizeof data, 0);
    assert_int_equal(serve_transfer(&call, from, -1, to, 10, 1 << 30, 0, &out), 0);
    assert_int_equal(out.done, sizeof data);
    assert_int_equal(t_pread(SLOT_A, to, back, sizeof back, 10), sizeof back);
    assert_memory_equal(data, back, sizeof data);
    assert_int_equal(t_lseek(SLOT_A, from, 0, 1), sizeof data);
    assert_int_equal(t_lseek(SLOT_A, to, 0, 1), 0);
    assert_int_equal(serve_transfer(&call, from, -1, to, 10, 1 << 30, 0, &out), 0);
    assert_int_equal(out.done, 0);
    t_close(SLOT_A, from), t_close(SLOT_A, to);
}

static void memfd_seals_hold(void **state)
{
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_memfd_in in = { .name = "m", .name_bytes = 1, .flags = 2 };
    struct fs_memfd_out out;
    struct fs_fcntl_out result;

    (void)state;
    assert_int_equal(fs_serve_memfd(&call, &in, &out), 0);
    assert_int_equal(t_write(SLOT_A, out.fd, "1234", 4), 4);
    assert_int_equal(SERVE_FILE(fcntl, 0, &call, out.fd, &result, .command = 1033, .argument = 2 | 4), 0);
    assert_int_equal(t_ftruncate(SLOT_A, out.fd, 2), ERR_PERMISSION);
    assert_int_equal(t_ftruncate(SLOT_A, out.fd, 9), ERR_PERMISSION);
    assert_int_equal(t_pwrite(SLOT_A, out.fd, "abcdef", 6, 2), 2);
    assert_int_equal(SERVE_FILE(fcntl, 0, &call, out.fd, &result, .command = 1033, .argument = 8 | 1), 0);
    assert_int_equal(t_pwrite(SLOT_A, out.fd, "a", 1, 0), ERR_PERMISSION);
    assert_int_equal(SERVE_FILE(fcntl, 0, &call, out.fd, &result, .command = 1033, .argument = 16), ERR_PERMISSION);
    t_close(SLOT_A, out.fd);
}

/* ---- waiting: a file that has data only when the test says so ---- */
static struct { struct waitq queue; unsigned available, room; } box = { .room = 0 };

static error_t box_read(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)position;
    if (!box.available)
        return ERR_WOULD_BLOCK;
    box.available--;
    return io_put(io, "!", 1);
}
static error_t box_write(struct file *f, struct io *io, uint64_t *position)
{
    char c;

    (void)f, (void)position;
    while (box.room && io_left(io)) {
        box.room--;
        io_get(io, &c, 1);
    }
    return io_left(io) ? ERR_WOULD_BLOCK : 0;
}
static uint32_t box_poll(struct file *f, struct waiter *w)
{
    (void)f;
    if (w && !w->queue)
        waitq_add(&box.queue, w);
    return (box.available ? FS_POLLIN : 0) | (box.room ? FS_POLLOUT : 0);
}
static const struct file_ops box_ops = { .name = "box", .read = box_read, .write = box_write, .poll = box_poll };

static int32_t open_box(uint32_t flags)
{
    struct file *f;
    uint32_t fd;

    assert_int_equal(file_new(&box_ops, flags, S_IFIFO | 0600, &f), 0);
    assert_int_equal(fd_install(fake_process(SLOT_A), f, 0, &fd), 0);
    return (int32_t)fd;
}

static void a_blocked_read_is_answered_when_data_comes(void **state)
{
    char byte[4] = { 0 };
    int32_t fd = open_box(O_RDWR), nonblocking = open_box(O_RDWR | O_NONBLOCK);

    (void)state;
    assert_int_equal(t_read(SLOT_A, nonblocking, byte, 4), ERR_WOULD_BLOCK);
    assert_int_equal(t_read(SLOT_A, fd, byte, 4), RPC_PENDING);
    assert_int_equal(fake_nr_parked, 1);
    waitq_wake(&box.queue, FS_POLLOUT);
    waitq_wake(&box.queue, FS_POLLIN);
    wait_run_ready();
    assert_int_equal(fake_nr_parked, 1);        /* woken for nothing: waits on */
    box.available = 1;
    waitq_wake(&box.queue, FS_POLLIN);
    t_close(SLOT_A, fd);                        /* the request holds the file */
    wait_run_ready();
    assert_int_equal(fake_nr_parked, 0);
    assert_true(waitq_empty(&box.queue));
    t_close(SLOT_A, nonblocking);
}

static void a_blocked_write_goes_on_until_all_is_written(void **state)
{
    int32_t fd = open_box(O_RDWR);
    unsigned before = fake_nr_replies;

    (void)state;
    box.room = 2;
    assert_int_equal(t_write(SLOT_A, fd, "12345", 5), RPC_PENDING);
    box.room = 2;
    waitq_wake(&box.queue, FS_POLLOUT);
    wait_run_ready();
    assert_int_equal(fake_nr_replies, before);
    box.room = 9;
    waitq_wake(&box.queue, FS_POLLOUT);
    wait_run_ready();
    assert_int_equal(fake_nr_replies, before + 1);
    assert_int_equal(box.room, 8);
    t_close(SLOT_A, fd);
}

static void cancelling_ends_a_parked_request_once(void **state)
{
    char byte;
    int32_t fd = open_box(O_RDWR);
    unsigned before = fake_nr_replies;

    (void)state;
    box.available = box.room = 0;
    assert_int_equal(t_read(SLOT_A, fd, &byte, 1), RPC_PENDING);
    waitq_wake(&box.queue, FS_POLLIN);
    fake_cancel(SLOT_A);
    assert_int_equal(fake_nr_replies, before + 1);
    assert_int_equal(fake_replies[before % 64].error, ERR_IO);  /* method 0 has no own reply here */
    wait_run_ready();
    assert_int_equal(fake_nr_replies, before + 1);
    assert_true(waitq_empty(&box.queue));
    t_close(SLOT_A, fd);
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_written_are_read_back),
        cmocka_unit_test(append_writes_at_the_end),
        cmocka_unit_test(holes_read_as_zeros_and_cost_nothing),
        cmocka_unit_test(truncation_forgets_what_was_beyond),
        cmocka_unit_test(random_operations_agree_with_a_model),
        cmocka_unit_test(an_unlinked_file_lives_while_it_is_open),
        cmocka_unit_test(segments_are_recycled),
        cmocka_unit_test(a_mapped_file_keeps_its_segment_until_unmapped),
        cmocka_unit_test(a_full_pool_is_no_space),
        cmocka_unit_test(getdents_lists_all_names_once_in_any_buffer),
        cmocka_unit_test(getdents_survives_removal_while_reading),
        cmocka_unit_test(memory_devices_do_what_they_are_for),
        cmocka_unit_test(transfer_copies_between_files),
        cmocka_unit_test(memfd_seals_hold),
        cmocka_unit_test(a_blocked_read_is_answered_when_data_comes),
        cmocka_unit_test(a_blocked_write_goes_on_until_all_is_written),
        cmocka_unit_test(cancelling_ends_a_parked_request_once),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
