/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c
 *        servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* Descriptor tables: numbers, limits, sharing, tickets, exec, what the descriptor pages say. */
#include "names_fakes.h"

#include "peers.h"

#define CHILD 18u
#define IMAGE 19u

static int64_t dup_to(uint32_t slot, int64_t fd, int32_t at_least, int32_t exactly, uint32_t flags)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_dup_out out = { 0 };
    error_t e = SERVE_FILE(dup, 0, &call, fd, &out, .at_least = at_least, .exactly = exactly, .flags = flags);

    return e ? e : (int64_t)out.fd;
}

static int64_t fd_command(uint32_t slot, int64_t fd, uint32_t command, uint64_t argument)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_fcntl_out out = { 0 };
    error_t e = SERVE_FILE(fcntl, 0, &call, fd, &out, .command = command, .argument = argument);

    return e ? e : (int64_t)out.result;
}

static void close_range(uint32_t slot, uint32_t first, uint32_t last, uint32_t flags)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_close_range_in in = { first, last, flags };

    assert_int_equal(fs_serve_close_range(&call, &in, NULL), 0);
}

static uint64_t ticket(uint32_t slot, uint32_t files, uint32_t context)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_fork_ticket_in in = { files, context };
    struct fs_fork_ticket_out out;

    assert_int_equal(fs_serve_fork_ticket(&call, &in, &out), 0);
    return out.ticket;
}

static error_t process_open(uint32_t from, uint32_t slot, uint64_t number)
{
    struct rpc_call call = fake_call(from, 0);
    struct fs_process_open_in in = { slot, number };

    if (slot < NR_SLOTS) {
        *fake_page(slot) = *fake_page(SLOT_A);
        fake_page(slot)->pid = 100 + slot;
    }
    return fs_serve_process_open(&call, &in);
}

static void process_close(uint32_t slot)
{
    struct rpc_call call = fake_call(SERVER_PROC, 0);
    struct fs_process_close_in in = { slot };

    assert_int_equal(fs_serve_process_close(&call, &in), 0);
}

static void process_exec(uint32_t from, uint32_t to, uint32_t phase)
{
    struct rpc_call call = fake_call(SERVER_PROC, 0);
    struct fs_process_exec_in in = { from, to, phase };

    *fake_page(to) = *fake_page(from);
    assert_int_equal(fs_serve_process_exec(&call, &in), 0);
}

static error_t lookup(uint32_t slot, int64_t fd, uint32_t rights)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_file *file = NULL;
    error_t e = fs_lookup_file(&call, (uint32_t)fd, rights, &file);

    if (!e)
        assert_ptr_equal(file, fd_lookup_any(fake_process(slot), (int32_t)fd));
    return e;
}

static void a_handle_has_the_rights_that_its_file_was_opened_with(void **state)
{
    static const struct { uint32_t flags, rights; } kind[] = {
        { O_RDONLY, FS_FILE_USE | FS_FILE_READ }, { O_WRONLY, FS_FILE_USE | FS_FILE_WRITE },
        { O_RDWR, FS_FILE_USE | FS_FILE_READ | FS_FILE_WRITE }, { O_PATH, 0 },
    };

    (void)state;
    t_touch(SLOT_A, "/rights");
    for (unsigned i = 0; i < sizeof kind / sizeof kind[0]; i++) {
        int64_t fd = t_open(SLOT_A, "/rights", kind[i].flags, 0);

        for (uint32_t rights = 0; rights < 8; rights++)
            assert_int_equal(lookup(SLOT_A, fd, rights), rights & ~kind[i].rights ? ERR_BAD_HANDLE : 0);
        assert_int_equal(lookup(SLOT_B, fd, 0), ERR_BAD_HANDLE);
        t_close(SLOT_A, fd);
        assert_int_equal(lookup(SLOT_A, fd, 0), ERR_BAD_HANDLE);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(lookup(SLOT_A, (const int64_t[]){ -1, INT32_MIN, 65536 }[i], 0), ERR_BAD_HANDLE);
    assert_int_equal(lookup(CHILD, 0, 0), ERR_PEER_CLOSED);
}

static void the_lowest_free_number_is_taken(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(t_open(SLOT_A, "/", O_RDONLY, 0), i);
    t_close(SLOT_A, 3), t_close(SLOT_A, 1);
    assert_int_equal(t_open(SLOT_A, "/", O_RDONLY, 0), 1);
    assert_int_equal(t_open(SLOT_A, "/", O_RDONLY, 0), 3);
    assert_int_equal(dup_to(SLOT_A, 0, 10, -1, O_CLOEXEC), 10);
    assert_int_equal(fd_command(SLOT_A, 10, 1, 0), FD_FLAG_CLOEXEC);
    assert_int_equal(fd_command(SLOT_A, 0, 0, 10), 11);
    assert_int_equal(dup_to(SLOT_A, 0, 0, 200, 0), 200);
    assert_int_equal(dup_to(SLOT_A, 0, 0, 200, 0), 200);
    assert_int_equal(dup_to(SLOT_A, 7, 0, 200, 0), ERR_BAD_HANDLE);
    assert_int_equal(dup_to(SLOT_A, 0, 0, 1024, 0), ERR_BAD_HANDLE);
    assert_int_equal(dup_to(SLOT_A, 0, 1024, -1, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_close(SLOT_A, 7), ERR_BAD_HANDLE);
    assert_int_equal(t_close(SLOT_A, -1), ERR_BAD_HANDLE);
    assert_int_equal(t_close(SLOT_A, INT32_MAX), ERR_BAD_HANDLE);
    close_range(SLOT_A, 0, ~0u, 0);
    assert_int_equal(fake_process(SLOT_A)->files->nr_open, 0);
}

static void the_limit_is_the_process_limit(void **state)
{
    (void)state;
    fake_page(SLOT_A)->rlimit[FS_RLIMIT_NOFILE][0] = 100;
    for (int i = 0; i < 100; i++)
        assert_int_equal(t_open(SLOT_A, "/", O_RDONLY, 0), i);
    assert_int_equal(t_open(SLOT_A, "/", O_RDONLY, 0), ERR_TOO_MANY_FILES);
    t_close(SLOT_A, 50);
    assert_int_equal(t_open(SLOT_A, "/", O_RDONLY, 0), 50);
    close_range(SLOT_A, 0, ~0u, 0);
    fake_page(SLOT_A)->rlimit[FS_RLIMIT_NOFILE][0] = 1024;
}

static void duplicates_share_offset_and_flags(void **state)
{
    char byte;
    int64_t a = t_open(SLOT_A, "/dupfile", O_CREAT | O_RDWR, 0644), b;

    (void)state;
    t_write(SLOT_A, a, "abc", 3);
    t_lseek(SLOT_A, a, 0, 0);
    b = dup_to(SLOT_A, a, 0, -1, 0);
    t_read(SLOT_A, a, &byte, 1);
    t_read(SLOT_A, b, &byte, 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(fd_command(SLOT_A, b, 4, O_APPEND | O_NONBLOCK | O_WRONLY), 0);
    assert_int_equal(fd_command(SLOT_A, a, 3, 0), O_RDWR | O_APPEND | O_NONBLOCK | O_LARGEFILE);
    close_range(SLOT_A, 0, ~0u, 0);
}

static void pages_show_which_descriptors_are_open(void **state)
{
    struct fd_word *words = fake_process(SLOT_A)->fd_words;
    int64_t fd = t_open(SLOT_A, "/dupfile", O_RDONLY, 0);
    uint32_t seq = words[fd].seq;

    (void)state;
    assert_int_equal(words[fd].kind, FD_FILE);
    assert_int_equal(words[fd].flags, FDF_READ);
    t_close(SLOT_A, fd);
    assert_int_equal(words[fd].kind, FD_CLOSED);
    assert_true(words[fd].seq != seq);
}

static void fork_copies_the_table_and_shares_the_open_files(void **state)
{
    char byte;
    int64_t fd = t_open(SLOT_A, "/dupfile", O_RDONLY, 0);

    (void)state;
    assert_int_equal(process_open(SERVER_PROC, CHILD, ticket(SLOT_A, 0, 0)), 0);
    assert_int_equal(fake_process(CHILD)->fd_words[fd].kind, FD_FILE);
    t_read(SLOT_A, fd, &byte, 1);
    t_read(CHILD, fd, &byte, 1);
    assert_int_equal(byte, 'b');
    t_close(CHILD, fd);
    assert_int_equal(t_read(SLOT_A, fd, &byte, 1), 1);
    assert_int_equal(t_chdir(CHILD, "/"), 0);
    process_close(CHILD);
    assert_int_equal(t_read(CHILD, fd, &byte, 1), ERR_PEER_CLOSED);
    close_range(SLOT_A, 0, ~0u, 0);
}

static void a_shared_table_is_one_until_unshared(void **state)
{
    struct rpc_call call = fake_call(CHILD, 0);
    struct fs_unshare_in in = { 1, 1 };
    int64_t fd;

    (void)state;
    assert_int_equal(process_open(SERVER_PROC, CHILD, ticket(SLOT_A, 1, 1)), 0);
    fd = t_open(CHILD, "/dupfile", O_RDONLY, 0);
    assert_int_equal(fake_process(SLOT_A)->fd_words[fd].kind, FD_FILE);
    assert_ptr_equal(fake_process(SLOT_A)->fs, fake_process(CHILD)->fs);
    assert_int_equal(fs_serve_unshare(&call, &in, NULL), 0);
    t_close(CHILD, fd);
    assert_int_equal(fake_process(SLOT_A)->fd_words[fd].kind, FD_FILE);
    assert_int_equal(fake_process(CHILD)->fd_words[fd].kind, FD_CLOSED);
    assert_true(fake_process(SLOT_A)->fs != fake_process(CHILD)->fs);
    process_close(CHILD);
    t_close(SLOT_A, fd);
}

static void tickets_work_once_and_only_for_proc(void **state)
{
    uint64_t number = ticket(SLOT_A, 0, 0);
    int64_t fd = t_open(SLOT_A, "/", O_RDONLY, 0);

    (void)state;
    assert_int_equal(process_open(SLOT_B, CHILD, number), ERR_PERMISSION);
    assert_int_equal(process_open(SERVER_PROC, 3, number), ERR_PERMISSION);
    assert_int_equal(process_open(SERVER_PROC, NR_SLOTS, number), ERR_PERMISSION);
    assert_int_equal(process_open(SERVER_PROC, CHILD, number), 0);
    assert_int_equal(process_open(SERVER_PROC, IMAGE, ticket(SLOT_A, 0, 0) + 1), 0);
    assert_int_equal(fake_process(IMAGE)->files->nr_open, 0);       /* invented: nothing */
    process_close(CHILD), process_close(IMAGE);
    for (int i = 0; i < 1000; i++)
        ticket(SLOT_A, 0, 0);                                       /* the oldest are dropped */
    t_close(SLOT_A, fd);
}

static void exec_keeps_the_table_and_closes_what_is_marked(void **state)
{
    int64_t keep, drop;

    (void)state;
    assert_int_equal(process_open(SERVER_PROC, CHILD, ticket(SLOT_A, 0, 0)), 0);
    keep = t_open(CHILD, "/dupfile", O_RDONLY, 0);
    drop = t_open(CHILD, "/dupfile", O_RDONLY | O_CLOEXEC, 0);
    process_exec(CHILD, IMAGE, 0);
    assert_int_equal(fake_process(IMAGE)->fd_words[drop].kind, FD_FILE);
    process_exec(CHILD, IMAGE, 1);
    assert_false(fake_process(CHILD)->open);
    assert_int_equal(fake_process(IMAGE)->fd_words[keep].kind, FD_FILE);
    assert_int_equal(fake_process(IMAGE)->fd_words[drop].kind, FD_CLOSED);
    assert_int_equal(fake_process(CHILD)->fd_words[keep].kind, FD_CLOSED);
    process_close(IMAGE);
}

static void a_failed_exec_leaves_the_caller_alone(void **state)
{
    int64_t fd;

    (void)state;
    assert_int_equal(process_open(SERVER_PROC, CHILD, ticket(SLOT_A, 0, 0)), 0);
    fd = t_open(CHILD, "/dupfile", O_RDONLY | O_CLOEXEC, 0);
    process_exec(CHILD, IMAGE, 0);
    process_close(IMAGE);
    assert_int_equal(fake_process(CHILD)->fd_words[fd].kind, FD_FILE);
    assert_int_equal(t_close(CHILD, fd), 0);
    process_close(CHILD);
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_has_the_rights_that_its_file_was_opened_with),
        cmocka_unit_test(the_lowest_free_number_is_taken),
        cmocka_unit_test(the_limit_is_the_process_limit),
        cmocka_unit_test(duplicates_share_offset_and_flags),
        cmocka_unit_test(pages_show_which_descriptors_are_open),
        cmocka_unit_test(fork_copies_the_table_and_shares_the_open_files),
        cmocka_unit_test(a_shared_table_is_one_until_unshared),
        cmocka_unit_test(tickets_work_once_and_only_for_proc),
        cmocka_unit_test(exec_keeps_the_table_and_closes_what_is_marked),
        cmocka_unit_test(a_failed_exec_leaves_the_caller_alone),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
