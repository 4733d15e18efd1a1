/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c
 *        servers/fs/open.c servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c
 *        servers/fs/locks.c servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/*
 * Leases of attributes. What a process keeps is valid while its descriptor's word
 * has the number that came with it; so after every request, by whomever, either
 * the number is another or the answer is still the same.
 */
#include "names_fakes.h"

#include "lease.h"
#include "segments.h"

#define FILE_NAME "/leased"
#define DIR_NAME  "/leased-dir"

static const uint8_t data[3 * PAGE_BYTES];

/* ---- what may change attributes: a request by `slot` on "/leased" or "/leased-dir", open there as fd ---- */
static void op_write(uint32_t s, int64_t fd) { assert_int_equal(t_pwrite(s, fd, "x", 1, 0), 1); }
static void op_append(uint32_t s, int64_t fd) { assert_int_equal(t_pwrite(s, fd, data, sizeof data, 9000), sizeof data); }
static void op_truncate(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_truncate(s, FILE_NAME, 10), 0); }
static void op_extend(uint32_t s, int64_t fd) { assert_int_equal(t_ftruncate(s, fd, 100000), 0); }
static void op_same_size(uint32_t s, int64_t fd) { assert_int_equal(t_ftruncate(s, fd, 5000), 0); }
static void op_chmod(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_chmod(s, FILE_NAME, 0600), 0); }
static void op_chown(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_chown(s, FILE_NAME, 7, 8), 0); }
static void op_link(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_link(s, FILE_NAME, "/leased-2"), 0); }
static void op_unlink(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_unlink(s, FILE_NAME), 0); }

static void op_unlink_other_name(uint32_t s, int64_t fd)
{
    (void)fd;
    assert_int_equal(t_unlink(s, "/leased-other"), 0);
}

static void op_rename(uint32_t s, int64_t fd)
{
    (void)fd;
    assert_int_equal(t_rename(s, FILE_NAME, "/leased-3", 0), 0);
}

static void op_rename_over(uint32_t s, int64_t fd)
{
    (void)fd;
    t_touch(s, "/leased-4");
    assert_int_equal(t_rename(s, "/leased-4", FILE_NAME, 0), 0);
}

static void op_exchange(uint32_t s, int64_t fd)
{
    (void)fd;
    t_touch(s, "/leased-4");
    assert_int_equal(t_rename(s, "/leased-4", FILE_NAME, RENAME_EXCHANGE), 0);
}

static void op_open_truncating(uint32_t s, int64_t fd)
{
    (void)fd;
    t_close(s, t_open(s, FILE_NAME, O_WRONLY | O_TRUNC, 0));
}

static void op_first_read(uint32_t s, int64_t fd)
{
    char c;

    assert_int_equal(t_pread(s, fd, &c, 1, 0), 1);
}

static void utimens(uint32_t s, int64_t atime_ns, int64_t mtime_ns)
{
    struct rpc_call call = fake_call(s, 0);
    struct fs_utimensat_in in = { .dirfd = FS_AT_FDCWD, .path = FILE_NAME, .path_bytes = sizeof FILE_NAME - 1,
                                  .atime_s = 3, .atime_ns = atime_ns, .mtime_s = 4, .mtime_ns = mtime_ns };

    assert_int_equal(fs_serve_utimensat(&call, &in, NULL), 0);
}

static void op_utimens(uint32_t s, int64_t fd) { (void)fd, utimens(s, 5, 6); }
static void op_utimens_atime(uint32_t s, int64_t fd) { (void)fd, utimens(s, 5, 0x3ffffffe); }

static void fallocate(uint32_t s, int64_t fd, uint32_t mode, uint64_t at, uint64_t bytes)
{
    struct rpc_call call = fake_call(s, 0);

    assert_int_equal(SERVE_FILE(fallocate, FS_FILE_USE, &call, fd, NULL, .mode = mode, .offset = at, .length = bytes), 0);
}

static void op_fallocate(uint32_t s, int64_t fd) { fallocate(s, fd, 0, 0, 50000); }
static void op_fallocate_keep(uint32_t s, int64_t fd) { fallocate(s, fd, 1, 0, 50000); }
static void op_punch(uint32_t s, int64_t fd) { fallocate(s, fd, 3, 0, PAGE_BYTES); }

static void op_copy_range(uint32_t s, int64_t fd)
{
    struct rpc_call call = fake_call(s, 0);
    struct fs_transfer_out out;

    assert_int_equal(serve_transfer(&call, fd, 0, fd, 6000, 3000, 0x400, &out), 0);
}

static void op_mkdir_in(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_mkdir(s, DIR_NAME "/d", 0755), 0); }
static void op_rmdir_in(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_rmdir(s, DIR_NAME "/old"), 0); }
static void op_touch_in(uint32_t s, int64_t fd) { (void)fd, t_touch(s, DIR_NAME "/f"); }
static void op_unlink_in(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_unlink(s, DIR_NAME "/file"), 0); }

static void op_symlink_in(uint32_t s, int64_t fd)
{
    (void)fd;
    assert_int_equal(t_symlink(s, "x", DIR_NAME "/link"), 0);
}

static void op_link_in(uint32_t s, int64_t fd)
{
    (void)fd;
    assert_int_equal(t_link(s, FILE_NAME, DIR_NAME "/link"), 0);
}

static void op_rename_out(uint32_t s, int64_t fd)
{
    (void)fd;
    assert_int_equal(t_rename(s, DIR_NAME "/old", "/old", 0), 0);
}

static void op_rename_in(uint32_t s, int64_t fd)
{
    (void)fd;
    assert_int_equal(t_mkdir(s, "/new", 0755), 0);
    assert_int_equal(t_rename(s, "/new", DIR_NAME "/new", 0), 0);
}

static void op_getdents(uint32_t s, int64_t fd)
{
    char entries[512];

    assert_int_equal(t_lseek(s, fd, 0, 0), 0);
    assert_true(t_getdents(s, fd, entries, sizeof entries) > 0);
}

static void op_chmod_dir(uint32_t s, int64_t fd) { (void)fd, assert_int_equal(t_chmod(s, DIR_NAME, 0700), 0); }
static void op_rmdir(uint32_t s, int64_t fd)
{
    (void)fd;
    t_rmdir(s, DIR_NAME "/old"), t_unlink(s, DIR_NAME "/file");
    assert_int_equal(t_rmdir(s, DIR_NAME), 0);
}

/* ---- and what does not ---- */
static void op_stat(uint32_t s, int64_t fd)
{
    struct fs_stat st;

    (void)fd;
    assert_int_equal(t_stat(s, FILE_NAME, &st), 0);
    assert_int_equal(t_access(s, FILE_NAME, MAY_READ), 0);
}

static void op_open_again(uint32_t s, int64_t fd) { (void)fd, t_close(s, t_open(s, FILE_NAME, O_RDWR, 0)); }
static void op_seek(uint32_t s, int64_t fd) { assert_int_equal(t_lseek(s, fd, 5, 0), 5); }

static const struct { const char *name; void (*run)(uint32_t, int64_t); bool dir, keeps; } ops[] = {
    { "write", op_write, false, false },
    { "append", op_append, false, false },
    { "truncate", op_truncate, false, false },
    { "extend", op_extend, false, false },
    { "ftruncate to the same size", op_same_size, false, false },
    { "chmod", op_chmod, false, false },
    { "chown", op_chown, false, false },
    { "link", op_link, false, false },
    { "unlink", op_unlink, false, false },
    { "unlink of another name", op_unlink_other_name, false, false },
    { "rename", op_rename, false, false },
    { "rename over it", op_rename_over, false, false },
    { "exchange", op_exchange, false, false },
    { "open(O_TRUNC)", op_open_truncating, false, false },
    { "first read", op_first_read, false, false },
    { "utimens", op_utimens, false, false },
    { "utimens of atime", op_utimens_atime, false, false },
    { "fallocate", op_fallocate, false, false },
    { "fallocate, size kept", op_fallocate_keep, false, false },
    { "punch", op_punch, false, false },
    { "copy_file_range", op_copy_range, false, false },
    { "stat and access", op_stat, false, true },
    { "another open", op_open_again, false, true },
    { "lseek", op_seek, false, true },
    { "mkdir in it", op_mkdir_in, true, false },
    { "rmdir in it", op_rmdir_in, true, false },
    { "create in it", op_touch_in, true, false },
    { "unlink in it", op_unlink_in, true, false },
    { "symlink in it", op_symlink_in, true, false },
    { "link in it", op_link_in, true, false },
    { "rename out of it", op_rename_out, true, false },
    { "rename into it", op_rename_in, true, false },
    { "getdents", op_getdents, true, false },
    { "chmod of the directory", op_chmod_dir, true, false },
    { "rmdir", op_rmdir, true, false },
};

static void make_world(void)
{
    int64_t fd = t_open(SLOT_A, FILE_NAME, O_RDWR | O_CREAT | O_EXCL, 06755);

    assert_true(fd >= 0);
    assert_int_equal(t_write(SLOT_A, fd, data, 5000), 5000);
    t_close(SLOT_A, fd);
    t_chmod(SLOT_A, FILE_NAME, 06755);
    assert_int_equal(t_link(SLOT_A, FILE_NAME, "/leased-other"), 0);
    assert_int_equal(t_mkdir(SLOT_A, DIR_NAME, 0755), 0);
    assert_int_equal(t_mkdir(SLOT_A, DIR_NAME "/old", 0755), 0);
    t_touch(SLOT_A, DIR_NAME "/file");
}

static void remove_world(void)
{
    static const char *const files[] = { FILE_NAME, "/leased-other", "/leased-2", "/leased-3", "/leased-4",
                                         DIR_NAME "/f", DIR_NAME "/file", DIR_NAME "/link" };
    static const char *const dirs[] = { DIR_NAME "/d", DIR_NAME "/old", DIR_NAME "/new", "/old", "/new", DIR_NAME };

    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
        t_unlink(SLOT_A, files[i]);
    for (unsigned i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        t_rmdir(SLOT_A, dirs[i]);
}

static struct fd_word *word_of(uint32_t slot, int64_t fd) { return &fake_process(slot)->fd_words[fd]; }

/* The answer that `slot` keeps: asks until it comes with a lease. */
static struct fs_stat leased(uint32_t slot, int64_t fd)
{
    struct fs_stat st = { 0 };

    for (int i = 0; i < 2 && !st.lease; i++)
        assert_int_equal(t_fstat(slot, fd, &st), 0);
    assert_true(st.lease != 0);
    assert_int_equal(word_of(slot, fd)->seq, st.lease);
    return st;
}

static bool same(struct fs_stat a, struct fs_stat b)
{
    a.lease = b.lease = 0;
    return !memcmp(&a, &b, sizeof a);
}

static void every_change_breaks_the_lease_whoever_makes_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        for (uint32_t who = SLOT_A; who <= SLOT_B; who++) {
            const char *name = ops[i].dir ? DIR_NAME : FILE_NAME;
            uint32_t how = ops[i].dir ? O_RDONLY : O_RDWR;
            int64_t mine, second, its;
            struct fs_stat kept, kept_second, now;

            make_world();
            mine = t_open(SLOT_A, name, how, 0);
            second = t_open(SLOT_A, name, O_RDONLY, 0);
            its = t_open(who, name, how, 0);
            kept = leased(SLOT_A, mine);
            kept_second = leased(SLOT_A, second);
            ops[i].run(who, its);
            assert_int_equal(t_fstat(SLOT_A, mine, &now), 0);
            if ((word_of(SLOT_A, mine)->seq == kept.lease) != ops[i].keeps)
                fail_msg("%s by %u: number %u, lease %u", ops[i].name, who, word_of(SLOT_A, mine)->seq, kept.lease);
            if ((word_of(SLOT_A, second)->seq == kept_second.lease) != ops[i].keeps)
                fail_msg("%s by %u: the second descriptor", ops[i].name, who);
            if (same(kept, now) != ops[i].keeps)
                fail_msg("%s by %u: the test changes nothing", ops[i].name, who);
            t_close(SLOT_A, mine), t_close(SLOT_A, second), t_close(who, its);
            remove_world();
        }
    }
}

static void a_change_breaks_once_and_the_next_answer_is_leased_again(void **state)
{
    struct fs_stat kept, again;
    uint32_t seq;
    int64_t fd;

    (void)state;
    make_world();
    fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    kept = leased(SLOT_A, fd);
    op_write(SLOT_A, fd);
    seq = word_of(SLOT_A, fd)->seq;
    assert_true(seq != kept.lease);
    op_write(SLOT_A, fd), op_chmod(SLOT_A, fd);
    assert_int_equal(word_of(SLOT_A, fd)->seq, seq);        /* no holder: nothing to tell */
    again = leased(SLOT_A, fd);
    assert_int_equal(again.lease, seq);
    assert_int_equal(again.mode & 07777, 0600);
    t_close(SLOT_A, fd);
    remove_world();
}

static void reading_counts_once_until_the_next_change(void **state)
{
    struct fs_stat kept;
    int64_t fd;
    char c[8];

    (void)state;
    make_world();
    fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    t_pread(SLOT_A, fd, c, 8, 0);
    kept = leased(SLOT_A, fd);
    t_pread(SLOT_A, fd, c, 8, 0), t_read(SLOT_A, fd, c, 8);
    assert_int_equal(word_of(SLOT_A, fd)->seq, kept.lease);
    op_write(SLOT_A, fd);
    kept = leased(SLOT_A, fd);
    t_pread(SLOT_A, fd, c, 8, 0);
    assert_true(word_of(SLOT_A, fd)->seq != kept.lease);
    kept = leased(SLOT_A, fd);
    fake_ticks += 24 * 3600;                                /* fake clock: a second a tick */
    t_pread(SLOT_A, fd, c, 8, 0);
    assert_true(word_of(SLOT_A, fd)->seq != kept.lease);
    t_close(SLOT_A, fd);
    remove_world();
}

static void a_closed_or_replaced_descriptor_has_another_number(void **state)
{
    struct fs_stat kept, other;
    int64_t fd, next;

    (void)state;
    make_world();
    fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    kept = leased(SLOT_A, fd);
    t_close(SLOT_A, fd);
    assert_true(word_of(SLOT_A, fd)->seq != kept.lease);
    assert_int_equal(t_open(SLOT_A, DIR_NAME, O_RDONLY, 0), fd);
    other = leased(SLOT_A, fd);
    assert_true(other.lease != kept.lease);
    next = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_dup_out out;
    assert_int_equal(SERVE_FILE(dup, 0, &call, next, &out, .exactly = (int32_t)fd), 0);
    assert_true(word_of(SLOT_A, fd)->seq != other.lease);
    t_close(SLOT_A, fd), t_close(SLOT_A, next);
    remove_world();
}

/* One open file, two descriptors: who asks last holds the lease. */
static void a_second_holder_of_the_open_file_replaces_the_first(void **state)
{
    struct fs_stat first, second;
    int64_t fd;

    (void)state;
    make_world();
    fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_dup_out out;
    assert_int_equal(SERVE_FILE(dup, 0, &call, fd, &out, .exactly = -1), 0);
    first = leased(SLOT_A, fd);
    second = leased(SLOT_A, out.fd);
    assert_true(word_of(SLOT_A, fd)->seq != first.lease);
    t_close(SLOT_A, fd);
    assert_int_equal(word_of(SLOT_A, out.fd)->seq, second.lease);
    op_write(SLOT_A, out.fd);
    assert_true(word_of(SLOT_A, out.fd)->seq != second.lease);
    second = leased(SLOT_A, out.fd);
    t_close(SLOT_A, out.fd);                                /* the open file dies with its lease */
    op_chmod(SLOT_A, 0);
    remove_world();
}

static void objects_without_inode_and_high_descriptors_are_not_leased(void **state)
{
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_pipe_out ends;
    struct fs_stat st;
    int64_t fd;

    (void)state;
    assert_int_equal(fs_serve_pipe(&call, &(struct fs_pipe_in){ 0 }, &ends), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t_fstat(SLOT_A, ends.read_fd, &st), 0);
        assert_int_equal(st.lease, 0);
    }
    t_close(SLOT_A, ends.read_fd), t_close(SLOT_A, ends.write_fd);
    make_world();
    fake_page(SLOT_A)->rlimit[FS_RLIMIT_NOFILE][0] = 4096;
    fd = t_open(SLOT_A, FILE_NAME, O_RDONLY, 0);
    struct fs_fcntl_out high;
    assert_int_equal(SERVE_FILE(fcntl, 0, &call, fd, &high, .argument = FD_WORDS), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t_fstat(SLOT_A, (int64_t)high.result, &st), 0);
        assert_int_equal(st.lease, 0);
    }
    t_close(SLOT_A, fd), t_close(SLOT_A, (int64_t)high.result);
    fake_page(SLOT_A)->rlimit[FS_RLIMIT_NOFILE][0] = 1024;
    remove_world();
}

/* ---- windows ---- */
static error_t window(uint32_t slot, int64_t fd, uint64_t address, struct fs_map_window_out *out)
{
    struct rpc_call call = fake_call(slot, 0);

    memset(out, 0, sizeof *out);
    return SERVE_FILE(map_window, FS_FILE_READ, &call, fd, out, .address = address);
}

#define WINDOW_0 PERS_WINDOW(0, 0)

static void a_window_is_read_only_and_its_number_tells_of_every_change(void **state)
{
    static void (*const change[])(uint32_t, int64_t) = {
        op_write, op_append, op_truncate, op_extend, op_punch, op_open_truncating, op_copy_range, op_utimens_atime,
    };
    struct fs_map_window_out w;

    (void)state;
    for (unsigned i = 0; i < sizeof change / sizeof change[0]; i++) {
        make_world();
        int64_t fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0), its = t_open(SLOT_B, FILE_NAME, O_RDWR, 0);
        fake_map_rights = 1;
        assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), 0);
        assert_int_equal(fake_map_rights, 0);
        assert_int_equal(w.mapped, 5000);
        assert_int_equal(w.size, 5000);
        assert_true(w.lease != 0 && word_of(SLOT_A, fd)->seq == w.lease);
        op_stat(SLOT_B, its), op_seek(SLOT_B, its);
        assert_int_equal(word_of(SLOT_A, fd)->seq, w.lease);
        change[i](SLOT_B, its);
        if (word_of(SLOT_A, fd)->seq == w.lease)
            fail_msg("change %u", i);
        t_close(SLOT_A, fd), t_close(SLOT_B, its);
        remove_world();
    }
}

static void a_large_file_has_a_window_on_its_start(void **state)
{
    static uint8_t large[PERS_WINDOW_BYTES + 3 * PAGE_BYTES];
    struct fs_map_window_out w;
    int64_t fd;

    (void)state;
    fd = t_open(SLOT_A, "/large", O_RDWR | O_CREAT, 0644);
    assert_int_equal(t_write(SLOT_A, fd, large, sizeof large), sizeof large);
    assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), 0);
    assert_int_equal(w.mapped, PERS_WINDOW_BYTES);
    assert_int_equal(w.size, sizeof large);
    t_close(SLOT_A, fd);
    t_unlink(SLOT_A, "/large");
}

static void a_window_does_not_make_growing_dearer(void **state)
{
    struct fs_map_window_out w;
    int64_t fd;

    (void)state;
    make_world();
    fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), 0);
    for (uint64_t at = 5000; at < 300000; at += 1000)
        assert_int_equal(t_pwrite(SLOT_A, fd, data, 1000, at), 1000);
    struct inode *i = fd_lookup(fake_process(SLOT_A), (int32_t)fd)->inode;
    assert_true(i->segment->nr_pages > i->size / PAGE_BYTES + 1);       /* in steps */
    assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), 0);
    assert_int_equal(w.size, i->size);
    t_close(SLOT_A, fd);
    remove_world();
}

static void what_is_no_plain_file_of_present_pages_gets_no_window(void **state)
{
    struct fs_map_window_out w;
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_memfd_out memfd;
    int64_t fd, other;

    (void)state;
    make_world();
    fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0);
    assert_int_equal(window(SLOT_A, fd, 0x1000, &w), ERR_INVALID_ARGUMENT);
    assert_int_equal(window(SLOT_A, fd, PERS_AREA(0), &w), ERR_INVALID_ARGUMENT);
    assert_int_equal(window(SLOT_A, fd, WINDOW_0 + PAGE_BYTES, &w), ERR_INVALID_ARGUMENT);
    assert_int_equal(window(SLOT_A, fd, PERS_WINDOW(VM_MAX_AREAS, 0), &w), ERR_INVALID_ARGUMENT);
    assert_int_equal(window(SLOT_A, 999, WINDOW_0, &w), ERR_BAD_HANDLE);
    assert_int_equal(window(SLOT_A, -1, WINDOW_0, &w), ERR_BAD_HANDLE);
    other = t_open(SLOT_A, FILE_NAME, O_WRONLY, 0);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), ERR_BAD_HANDLE);
    t_close(SLOT_A, other);
    other = t_open(SLOT_A, FILE_NAME, O_PATH, 0);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), ERR_BAD_HANDLE);
    t_close(SLOT_A, other);
    other = t_open(SLOT_A, DIR_NAME, O_RDONLY, 0);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), ERR_NO_DEVICE);
    t_close(SLOT_A, other);
    other = t_open(SLOT_A, DIR_NAME "/file", O_RDWR, 0);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), ERR_NO_DEVICE);       /* empty */
    assert_int_equal(t_pwrite(SLOT_A, other, "x", 1, 2 * PAGE_BYTES), 1);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), ERR_NO_DEVICE);       /* a hole before */
    assert_int_equal(t_ftruncate(SLOT_A, other, 0), 0);
    assert_int_equal(t_pwrite(SLOT_A, other, data, sizeof data, 0), sizeof data);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), 0);
    fallocate(SLOT_A, other, 3, 0, 2 * PAGE_BYTES);
    assert_int_equal(window(SLOT_A, other, WINDOW_0, &w), ERR_NO_DEVICE);       /* a hole */
    t_close(SLOT_A, other);
    assert_int_equal(t_ftruncate(SLOT_A, fd, 100000), 0);
    assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), ERR_NO_DEVICE);          /* a hole at the end */
    assert_int_equal(fs_serve_memfd(&call, &(struct fs_memfd_in){ .name = "m", .name_bytes = 1 }, &memfd), 0);
    assert_int_equal(t_write(SLOT_A, memfd.fd, "x", 1), 1);
    assert_int_equal(window(SLOT_A, memfd.fd, WINDOW_0, &w), ERR_NO_DEVICE);
    t_close(SLOT_A, memfd.fd);
    op_truncate(SLOT_A, fd);
    assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), 0);
    fake_process(SLOT_A)->files->refs++;
    assert_int_equal(window(SLOT_A, fd, WINDOW_0, &w), ERR_NO_DEVICE);          /* a shared table */
    fake_process(SLOT_A)->files->refs--;
    t_close(SLOT_A, fd);
    remove_world();
}

static error_t take(uint32_t slot, int64_t fd, uint64_t *position)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_position_take_out out = { ~0ul };
    error_t e = SERVE_FILE(position_take, FS_FILE_USE, &call, fd, &out);

    *position = out.position;
    return e;
}

static void a_position_is_given_to_who_alone_has_the_file(void **state)
{
    uint64_t at;

    (void)state;
    make_world();
    int64_t fd = t_open(SLOT_A, FILE_NAME, O_RDWR, 0), other;
    struct file *f = fd_lookup(fake_process(SLOT_A), (int32_t)fd);
    assert_int_equal(t_lseek(SLOT_A, fd, 77, 0), 77);
    assert_int_equal(take(SLOT_A, fd, &at), 0);
    assert_int_equal(at, 77);
    assert_int_equal(t_lseek(SLOT_A, fd, 200, 0), 200);         /* how it comes back */
    assert_int_equal(take(SLOT_A, fd, &at), 0);
    assert_int_equal(at, 200);
    file_get(f);                /* a second descriptor, a message in flight, a fork's ticket */
    assert_int_equal(take(SLOT_A, fd, &at), ERR_BUSY);
    file_put(f);
    fake_process(SLOT_A)->files->refs++;
    assert_int_equal(take(SLOT_A, fd, &at), ERR_BUSY);          /* a shared table */
    fake_process(SLOT_A)->files->refs--;
    assert_int_equal(take(SLOT_A, 999, &at), ERR_BAD_HANDLE);
    assert_int_equal(take(SLOT_A, -1, &at), ERR_BAD_HANDLE);
    other = t_open(SLOT_A, FILE_NAME, O_WRONLY, 0);
    assert_int_equal(take(SLOT_A, other, &at), ERR_BUSY);
    t_close(SLOT_A, other);
    other = t_open(SLOT_A, DIR_NAME, O_RDONLY, 0);
    assert_int_equal(take(SLOT_A, other, &at), ERR_BUSY);
    t_close(SLOT_A, other);
    t_close(SLOT_A, fd);
    remove_world();
}

static void the_number_is_never_zero(void **state)
{
    struct fd_word w = { .seq = ~0u };

    (void)state;
    lease_bump(&w);
    assert_int_equal(w.seq, 1);
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_breaks_the_lease_whoever_makes_it),
        cmocka_unit_test(a_change_breaks_once_and_the_next_answer_is_leased_again),
        cmocka_unit_test(reading_counts_once_until_the_next_change),
        cmocka_unit_test(a_closed_or_replaced_descriptor_has_another_number),
        cmocka_unit_test(a_second_holder_of_the_open_file_replaces_the_first),
        cmocka_unit_test(objects_without_inode_and_high_descriptors_are_not_leased),
        cmocka_unit_test(a_window_is_read_only_and_its_number_tells_of_every_change),
        cmocka_unit_test(a_large_file_has_a_window_on_its_start),
        cmocka_unit_test(a_window_does_not_make_growing_dearer),
        cmocka_unit_test(what_is_no_plain_file_of_present_pages_gets_no_window),
        cmocka_unit_test(a_position_is_given_to_who_alone_has_the_file),
        cmocka_unit_test(the_number_is_never_zero),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
