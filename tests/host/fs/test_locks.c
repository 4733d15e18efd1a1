/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c
 *        servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* Advisory locks. */
#include "names_fakes.h"

#include "peers.h"

#define RD 0
#define WR 1
#define UN 2
#define GETLK 5u
#define SETLK 6u
#define SETLKW 7u
#define OFD_SETLK 37u
#define FLOCK 0x1000u

static struct fs_flock result;

static error_t lock(uint32_t slot, int64_t fd, uint32_t command, int type, int64_t start, int64_t length)
{
    struct rpc_call call = fake_call(slot, FS_METHOD_LOCK);
    struct fs_lock_out out = { 0 };
    error_t e = SERVE_FILE(lock, FS_FILE_USE, &call, fd, &out, .command = command,
                           .request = { .start = start, .length = length, .type = (int16_t)type });

    result = out.result;
    return e;
}

static int64_t a, b;
static int reopen(void **state)
{
    (void)state;
    a = t_open(SLOT_A, "/locked", O_CREAT | O_RDWR, 0644);
    b = t_open(SLOT_B, "/locked", O_CREAT | O_RDWR, 0644);
    return 0;
}
static int reclose(void **state)
{
    (void)state;
    t_close(SLOT_A, a), t_close(SLOT_B, b);
    assert_int_equal(fake_nr_parked, 0);
    return 0;
}

static void ranges_split_and_join(void **state)
{
    (void)state;
    assert_int_equal(lock(SLOT_A, a, SETLK, WR, 0, 100), 0);
    assert_int_equal(lock(SLOT_A, a, SETLK, UN, 40, 20), 0);
    assert_int_equal(lock(SLOT_B, b, SETLK, WR, 40, 20), 0);
    assert_int_equal(lock(SLOT_B, b, SETLK, RD, 39, 1), ERR_AGAIN);
    assert_int_equal(lock(SLOT_B, b, SETLK, RD, 60, 1), ERR_AGAIN);
    assert_int_equal(lock(SLOT_B, b, GETLK, RD, 50, 100), 0);
    assert_int_equal(result.type, WR);
    assert_int_equal(result.start, 60);
    assert_int_equal(result.length, 40);
    assert_int_equal(result.pid, 100);
    assert_int_equal(lock(SLOT_B, b, SETLK, UN, 0, 0), 0);
    assert_int_equal(lock(SLOT_A, a, SETLK, WR, 40, 20), 0);
    assert_int_equal(lock(SLOT_B, b, GETLK, WR, 0, 0), 0);
    assert_int_equal(result.start, 0);
    assert_int_equal(result.length, 100);
    assert_int_equal(lock(SLOT_A, a, SETLK, RD, 10, 10), 0);
    assert_int_equal(lock(SLOT_B, b, SETLK, RD, 10, 10), 0);
    assert_int_equal(lock(SLOT_B, b, SETLK, RD, 9, 10), ERR_AGAIN);
    assert_int_equal(lock(SLOT_A, a, SETLK, WR, 0, 100), ERR_AGAIN);
}

static void arguments_are_checked(void **state)
{
    int64_t ro = t_open(SLOT_A, "/locked", O_RDONLY, 0);

    (void)state;
    assert_int_equal(lock(SLOT_A, ro, SETLK, WR, 0, 0), ERR_BAD_HANDLE);
    assert_int_equal(lock(SLOT_A, a, SETLK, 9, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(lock(SLOT_A, a, SETLK, RD, -1, 1), ERR_INVALID_ARGUMENT);
    assert_int_equal(lock(SLOT_A, a, SETLK, RD, 10, -20), ERR_INVALID_ARGUMENT);
    assert_int_equal(lock(SLOT_A, a, SETLK, RD, 10, -10), 0);
    assert_int_equal(lock(SLOT_A, a, SETLK, RD, INT64_MAX, 2), ERR_OVERFLOW);
    assert_int_equal(lock(SLOT_A, a, 99, RD, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(lock(SLOT_A, 77, SETLK, RD, 0, 0), ERR_BAD_HANDLE);
    t_close(SLOT_A, ro);
}

static void a_waiting_lock_is_granted_on_unlock(void **state)
{
    unsigned before = fake_nr_replies;

    (void)state;
    assert_int_equal(lock(SLOT_A, a, SETLK, WR, 0, 0), 0);
    assert_int_equal(lock(SLOT_B, b, SETLKW, WR, 5, 5), RPC_PENDING);
    assert_int_equal(lock(SLOT_A, a, SETLK, UN, 100, 0), 0);
    wait_run_ready();
    assert_int_equal(fake_nr_replies, before);
    assert_int_equal(lock(SLOT_A, a, SETLK, UN, 0, 50), 0);
    wait_run_ready();
    assert_int_equal(fake_nr_replies, before + 1);
    assert_int_equal(fake_replies[before % 64].error, 0);
    assert_int_equal(lock(SLOT_A, a, SETLK, RD, 7, 1), ERR_AGAIN);
}

static void closing_any_descriptor_of_the_file_drops_record_locks(void **state)
{
    int64_t other = t_open(SLOT_A, "/locked", O_RDONLY, 0);

    (void)state;
    assert_int_equal(lock(SLOT_A, a, SETLK, WR, 0, 0), 0);
    assert_int_equal(lock(SLOT_B, b, SETLKW, RD, 0, 0), RPC_PENDING);
    t_close(SLOT_A, other);
    wait_run_ready();
    assert_int_equal(fake_nr_parked, 0);
}

static void a_cycle_of_waiters_is_a_deadlock(void **state)
{
    (void)state;
    assert_int_equal(lock(SLOT_A, a, SETLK, WR, 0, 1), 0);
    assert_int_equal(lock(SLOT_B, b, SETLK, WR, 1, 1), 0);
    assert_int_equal(lock(SLOT_A, a, SETLKW, WR, 1, 1), RPC_PENDING);
    assert_int_equal(lock(SLOT_B, b, SETLKW, WR, 0, 1), ERR_DEADLOCK);
    fake_cancel(SLOT_A);
    assert_int_equal(fake_replies[(fake_nr_replies - 1) % 64].error, ERR_CANCELLED);
    assert_int_equal(lock(SLOT_B, b, SETLKW, WR, 0, 1), RPC_PENDING);
    fake_cancel(SLOT_B);
}

static void flock_belongs_to_the_open_file(void **state)
{
    int64_t second = t_open(SLOT_A, "/locked", O_RDWR, 0);

    (void)state;
    assert_int_equal(lock(SLOT_A, a, FLOCK, 2, 0, 0), 0);
    assert_int_equal(lock(SLOT_A, second, FLOCK, 2 | 4, 0, 0), ERR_AGAIN);
    assert_int_equal(lock(SLOT_B, b, SETLK, WR, 0, 0), 0);      /* another world */
    assert_int_equal(lock(SLOT_A, a, FLOCK, 1, 0, 0), 0);
    assert_int_equal(lock(SLOT_A, second, FLOCK, 1 | 4, 0, 0), 0);
    assert_int_equal(lock(SLOT_A, second, FLOCK, 2, 0, 0), RPC_PENDING);
    assert_int_equal(lock(SLOT_A, a, FLOCK, 8, 0, 0), 0);
    wait_run_ready();
    assert_int_equal(fake_nr_parked, 0);
    assert_int_equal(lock(SLOT_A, a, FLOCK, 1 | 4, 0, 0), ERR_AGAIN);
    t_close(SLOT_A, second);
    assert_int_equal(lock(SLOT_A, a, FLOCK, 1 | 4, 0, 0), 0);
    assert_int_equal(lock(SLOT_A, a, FLOCK, 3, 0, 0), ERR_INVALID_ARGUMENT);
}

static void ofd_locks_meet_record_locks(void **state)
{
    int64_t second = t_open(SLOT_A, "/locked", O_RDWR, 0);

    (void)state;
    assert_int_equal(lock(SLOT_A, a, OFD_SETLK, WR, 0, 10), 0);
    assert_int_equal(lock(SLOT_A, second, OFD_SETLK, WR, 0, 10), ERR_AGAIN);
    assert_int_equal(lock(SLOT_B, b, SETLK, WR, 5, 1), ERR_AGAIN);
    assert_int_equal(lock(SLOT_B, b, GETLK, WR, 5, 1), 0);
    assert_int_equal(result.pid, ~0u);
    t_close(SLOT_A, second);
    assert_int_equal(lock(SLOT_B, b, SETLK, WR, 5, 1), ERR_AGAIN);
}

static int start(void **state) { (void)state; fake_start(); return 0; }
#define TEST(f) cmocka_unit_test_setup_teardown(f, reopen, reclose)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ranges_split_and_join),
        TEST(arguments_are_checked),
        TEST(a_waiting_lock_is_granted_on_unlock),
        TEST(closing_any_descriptor_of_the_file_drops_record_locks),
        TEST(a_cycle_of_waiters_is_a_deadlock),
        TEST(flock_belongs_to_the_open_file),
        TEST(ofd_locks_meet_record_locks),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
