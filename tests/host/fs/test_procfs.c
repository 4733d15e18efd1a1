/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c
 *        servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c servers/fs/procfs.c servers/fs/procfs_process.c servers/fs/procfs_system.c
 *        servers/fs/devfs.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* /proc, /dev, and the random generator's block function. */
#include "names_fakes.h"

#include <stdio.h>

#include "devices.h"
#include "mounts.h"
#include "proc_client.h"
#include "procfs.h"
#include "random.h"

error_t proc_print_servers(struct text *out, const struct proc_target *t)     /* asks other servers */
{
    (void)out, (void)t;
    return ERR_IO;
}
error_t proc_write_servers(const struct proc_target *t, const char *text, size_t len)
{
    (void)t, (void)text, (void)len;
    return ERR_IO;
}
#include "sessions.h"
#include "text.h"

static struct fs_stat st;
static char text[8192];

/* ---- what proc would answer ---- */
error_t proc_stat(struct rpc_client *c, uint32_t pid, struct proc_proc_stat *out)
{
    (void)c;
    assert_true(fake_on_coroutine);
    *out = (struct proc_proc_stat){ .utime_ticks = 5000, .rss_pages = pid, .vsize_bytes = 40960, .nr_threads = 1 };
    return 0;
}
static char renamed[17];
error_t proc_thread_name(struct rpc_client *c, uint32_t tid, uint64_t *low, uint64_t *high)
{
    (void)c;
    assert_true(fake_on_coroutine && tid != 100);
    memcpy(low, "worker\0", 8);
    *high = 0;
    return 0;
}
error_t proc_rename(struct rpc_client *c, uint32_t pid, uint32_t tid, struct rpc_in name)
{
    (void)c;
    assert_true(fake_on_coroutine && pid == 100 && tid == 100 && name.bytes <= 15);
    memset(renamed, 0, sizeof renamed);
    memcpy(renamed, name.data, name.bytes);
    return 0;
}
error_t proc_memory(struct rpc_client *c, uint64_t *total, uint64_t *left, uint64_t *cached, uint32_t *n, uint32_t *a,
                    uint32_t *b, uint32_t *d)
{
    (void)c;
    assert_true(fake_on_coroutine);
    *total = *left = *cached = *n = 1;
    *a = 3 << 15, *b = 1 << 16, *d = 0;
    return 0;
}
error_t proc_hart_times(struct rpc_client *c, uint32_t hart, uint64_t *busy, uint64_t *idle)
{
    (void)c, (void)hart;
    *busy = 1000, *idle = 3000;
    return 0;
}
error_t proc_get_hostname(struct rpc_client *c, struct rpc_out name, uint64_t *done)
{
    (void)c;
    memcpy(name.data, "atoll", *done = 5);
    return 0;
}

static int64_t slurp(uint32_t slot, const char *path)
{
    int64_t fd = t_open(slot, path, O_RDONLY, 0), n;

    if (fd < 0)
        return fd;
    fake_on_coroutine = true;
    n = t_read(slot, fd, text, sizeof text - 1);
    fake_on_coroutine = false;
    text[n > 0 ? n : 0] = 0;
    t_close(slot, fd);
    return n;
}

static void self_is_the_reader(void **state)
{
    (void)state;
    assert_int_equal(t_readlink(SLOT_A, "/proc/self", text, 64), 3);
    assert_memory_equal(text, "100", 3);
    assert_int_equal(t_readlink(SLOT_B, "/proc/self", text, 64), 3);
    assert_memory_equal(text, "101", 3);
    strcpy(fake_page(SLOT_B)->comm, "busybox");
    assert_int_equal(slurp(SLOT_B, "/proc/self/comm"), 8);
    assert_string_equal(text, "busybox\n");
    assert_int_equal(t_stat(SLOT_A, "/proc/101", &st), 0);
    assert_int_equal(t_stat(SLOT_A, "/proc/0101", &st), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, "/proc/555", &st), ERR_NOT_FOUND);
    assert_int_equal(t_open(SLOT_A, "/proc/new", O_CREAT | O_RDWR, 0644), ERR_ACCESS);
    assert_int_equal(t_open(SLOT_A, "/proc/meminfo", O_RDWR, 0), ERR_ACCESS);
}

static void stat_has_all_its_fields(void **state)
{
    unsigned fields = 1;

    (void)state;
    strcpy(fake_page(SLOT_B)->comm, "busybox");
    assert_true(slurp(SLOT_A, "/proc/101/stat") > 0);
    assert_memory_equal(text, "101 (busybox) S ", 16);
    for (char *c = text; *c; c++)
        fields += *c == ' ';
    assert_int_equal(fields, 52);
    assert_true(slurp(SLOT_A, "/proc/101/task/101/stat") > 0);
    assert_true(slurp(SLOT_A, "/proc/101/status") > 0);
    assert_non_null(strstr(text, "\nUid:\t0\t0\t0\t0\n"));
}

static void what_proc_must_answer_is_read_on_a_coroutine(void **state)
{
    int64_t fd = t_open(SLOT_A, "/proc/101/stat", O_RDONLY, 0);

    (void)state;
    assert_int_equal(t_read(SLOT_A, fd, text, 10), RPC_BLOCKS);
    assert_int_equal(t_lseek(SLOT_A, fd, 0, 1), 0);
    fake_on_coroutine = true;
    assert_int_equal(t_read(SLOT_A, fd, text, 10), 10);
    fake_on_coroutine = false;
    assert_int_equal(t_read(SLOT_A, fd, text, 5), 5);      /* the content is there */
    t_close(SLOT_A, fd);
}

static void every_file_of_the_tree_can_be_read(void **state)
{
    static const char *const paths[] = {
        "/proc/meminfo", "/proc/uptime", "/proc/loadavg", "/proc/stat", "/proc/version", "/proc/cpuinfo",
        "/proc/mounts", "/proc/filesystems", "/proc/cmdline", "/proc/partitions", "/proc/devices", "/proc/swaps",
        "/proc/sys/kernel/hostname", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/random/uuid",
        "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/pid_max", "/proc/sys/fs/nr_open",
        "/proc/atoll/unimplemented", "/proc/atoll/fs", "/proc/self/stat", "/proc/self/statm", "/proc/self/limits",
        "/proc/self/mounts", "/proc/self/mountinfo", "/proc/self/oom_score_adj",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (slurp(SLOT_A, paths[i]) <= 0)
            fail_msg("%s gives %d", paths[i], (int)slurp(SLOT_A, paths[i]));
    slurp(SLOT_A, "/proc/loadavg");
    assert_memory_equal(text, "1.50 1.00 0.00 ", 15);
    slurp(SLOT_A, "/proc/mounts");
    assert_string_equal(text, "tmpfs / tmpfs rw 0 0\ndevtmpfs /dev devtmpfs rw,nosuid 0 0\n"
                              "devpts /dev/pts devpts rw,nosuid,noexec 0 0\nproc /proc proc rw 0 0\n");
}

static void descriptors_are_links_to_their_files(void **state)
{
    char byte;
    int64_t fd = t_open(SLOT_A, "/some-file", O_CREAT | O_RDWR, 0644), again;
    char path[64];

    (void)state;
    t_write(SLOT_A, fd, "abc", 3);
    sprintf(path, "/proc/self/fd/%d", (int)fd);
    assert_int_equal(t_readlink(SLOT_A, path, text, 64), 10);
    assert_memory_equal(text, "/some-file", 10);
    assert_int_equal(t_stat(SLOT_A, path, &st), 0);
    assert_true(S_ISREG(st.mode));
    assert_int_equal(t_lstat(SLOT_A, path, &st), 0);
    assert_true(S_ISLNK(st.mode));
    again = t_open(SLOT_A, path, O_RDONLY, 0);
    assert_true(again >= 0);
    assert_int_equal(t_read(SLOT_A, again, &byte, 1), 1);       /* its own offset */
    assert_int_equal(byte, 'a');
    t_unlink(SLOT_A, "/some-file");
    assert_int_equal(t_readlink(SLOT_A, path, text, 64), 20);
    assert_memory_equal(text, "/some-file (deleted)", 20);
    sprintf(path, "/dev/fd/%d", (int)fd);
    assert_int_equal(t_open(SLOT_A, path, O_WRONLY | O_CREAT | O_TRUNC, 0644), again + 1);
    t_fstat(SLOT_A, fd, &st);
    assert_int_equal(st.size, 0);
    t_close(SLOT_A, again + 1), t_close(SLOT_A, again), t_close(SLOT_A, fd);
    assert_int_equal(t_lstat(SLOT_A, path, &st), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, "/proc/self/cwd/dev", &st), 0);
    assert_int_equal(t_stat(SLOT_A, "/proc/self/fd/../../self/root/proc", &st), 0);
}

static void objects_without_a_name_are_opened_through_their_link(void **state)
{
    static const struct file_ops ops = { .name = "thing" };
    struct file *pipe, *event;
    uint32_t fd[2];
    char path[64];

    (void)state;
    assert_int_equal(file_new(&ops, O_WRONLY, S_IFIFO | 0600, &pipe), 0);
    assert_int_equal(file_new(&ops, O_RDWR, 0600, &event), 0);
    pipe->anon_ino = 77;
    assert_int_equal(fd_install(fake_process(SLOT_A), pipe, 0, &fd[0]), 0);
    assert_int_equal(fd_install(fake_process(SLOT_A), event, 0, &fd[1]), 0);
    sprintf(path, "/dev/fd/%u", fd[0]);
    assert_int_equal(t_open(SLOT_A, path, O_WRONLY | O_CREAT | O_TRUNC, 0644), fd[1] + 1);
    assert_int_equal(t_open(SLOT_A, path, O_WRONLY | O_APPEND, 0), fd[1] + 2);
    assert_int_equal(t_open(SLOT_A, path, O_RDONLY, 0), ERR_ACCESS);
    assert_int_equal(t_open(SLOT_A, path, O_WRONLY | O_CREAT | O_EXCL, 0), ERR_EXISTS);
    assert_int_equal(t_stat(SLOT_A, path, &st), 0);
    assert_int_equal(st.ino, 77);
    assert_int_equal(t_mkdir(SLOT_A, path, 0755), ERR_EXISTS);
    assert_int_equal(t_unlink(SLOT_A, path), ERR_PERMISSION);
    assert_int_equal(t_chdir(SLOT_A, path), ERR_NOT_DIRECTORY);
    assert_int_equal(t_truncate(SLOT_A, path, 0), ERR_INVALID_ARGUMENT);
    strcat(path, "/x");
    assert_int_equal(t_stat(SLOT_A, path, &st), ERR_NOT_DIRECTORY);
    sprintf(path, "/proc/self/fd/%u", fd[1]);
    assert_int_equal(t_open(SLOT_A, path, O_RDWR, 0), ERR_NO_ADDRESS);
    assert_int_equal(t_readlink(SLOT_A, path, text, 64), 18);
    assert_memory_equal(text, "anon_inode:[thing]", 18);
    for (uint32_t i = fd[0]; i <= fd[1] + 2; i++)
        t_close(SLOT_A, i);
}

static void others_may_not_look_inside(void **state)
{
    (void)state;
    fake_identity(SLOT_B, 1000, 1000);
    assert_int_equal(t_readlink(SLOT_B, "/proc/100/cwd", text, 64), ERR_ACCESS);
    assert_int_equal(t_open(SLOT_B, "/proc/100/environ", O_RDONLY, 0), ERR_ACCESS);
    assert_int_equal(t_stat(SLOT_B, "/proc/100/fd/0", &st), ERR_ACCESS);
    assert_true(slurp(SLOT_B, "/proc/100/stat") > 0);
    fake_identity(SLOT_B, 0, 0);
}

struct entry { uint64_t ino; int64_t next; uint16_t bytes; uint8_t type; char name[]; };

static unsigned count_entries(const char *path, const char *wanted)
{
    static uint8_t buffer[512];
    int64_t fd = t_open(SLOT_A, path, O_RDONLY | O_DIRECTORY, 0), n;
    unsigned found = 0;

    assert_true(fd >= 0);
    while ((n = t_getdents(SLOT_A, fd, buffer, sizeof buffer)) > 0)
        for (int64_t at = 0; at < n; at += ((struct entry *)(buffer + at))->bytes)
            found += !strcmp(((struct entry *)(buffer + at))->name, wanted);
    assert_int_equal(n, 0);
    t_close(SLOT_A, fd);
    return found;
}

static void directories_list_what_lookup_finds(void **state)
{
    (void)state;
    assert_int_equal(count_entries("/proc", "100"), 1);
    assert_int_equal(count_entries("/proc", "101"), 1);
    assert_int_equal(count_entries("/proc", "meminfo"), 1);
    assert_int_equal(count_entries("/proc/100", "task"), 1);
    assert_int_equal(count_entries("/proc/self/fd", "0"), 1);
    assert_int_equal(count_entries("/proc/sys/kernel/random", "uuid"), 1);
}

static void a_dead_process_leaves_nothing_to_find(void **state)
{
    int64_t dir = t_open(SLOT_A, "/proc/101", O_RDONLY | O_DIRECTORY, 0);
    int64_t file = t_open(SLOT_A, "/proc/101/comm", O_RDONLY, 0);

    (void)state;
    fake_page(SLOT_B)->in_use = 0;
    assert_int_equal(t_stat(SLOT_A, "/proc/101", &st), ERR_NOT_FOUND);
    assert_int_equal(t_openat(SLOT_A, (int32_t)dir, "comm", O_RDONLY, 0), ERR_NOT_FOUND);
    assert_int_equal(t_read(SLOT_A, file, text, 10), ERR_NO_PROCESS);
    assert_int_equal(t_getdents(SLOT_A, dir, text, 100), ERR_NOT_FOUND);
    t_close(SLOT_A, dir), t_close(SLOT_A, file);
    fake_page(SLOT_B)->in_use = 1;
    assert_int_equal(t_stat(SLOT_A, "/proc/101", &st), 0);
}

static void exec_phase(uint32_t from, uint32_t to, uint32_t phase)
{
    struct rpc_call call = fake_call(SERVER_PROC, FS_METHOD_PROCESS_EXEC);
    struct fs_process_exec_in in = { .old_slot = from, .new_slot = to, .phase = phase };

    assert_int_equal(fs_serve_process_exec(&call, &in), 0);
}

/* proc gives up the old slot while its event about that is on the way. */
static void a_process_does_not_vanish_during_exec(void **state)
{
    const uint32_t slot[2] = { SLOT_B, SLOT_B + 1 };

    (void)state;
    ((struct slot_map *)(uintptr_t)pages_proc(0))->used[slot[1] / 64] |= 1ul << slot[1] % 64;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t from = slot[i], to = slot[1 - i];

        memcpy(fake_page(to), fake_page(from), sizeof *fake_page(to));
        exec_phase(from, to, 0);
        assert_ptr_equal(process_by_pid(101), fake_process(from));
        fake_page(from)->in_use = 0;
        assert_ptr_equal(process_by_pid(101), fake_process(to));
        assert_int_equal(process_next_pid(101), 101);
        assert_int_equal(t_stat(SLOT_A, "/proc/101/stat", &st), 0);
        exec_phase(from, to, 1);
        assert_ptr_equal(process_by_pid(101), fake_process(to));
    }
}

static void many_lookups_do_not_pile_up(void **state)
{
    char path[64];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        sprintf(path, "/proc/%d/%s", 100 + i % 2, i % 3 ? "stat" : "task/../status");
        assert_int_equal(t_stat(SLOT_A, path, &st), 0);
    }
}

static void a_process_may_write_its_own_name(void **state)
{
    int64_t fd = t_open(SLOT_A, "/proc/self/comm", O_WRONLY, 0);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(t_write(SLOT_A, fd, "name\n", 5), RPC_BLOCKS);
    fake_on_coroutine = true;
    assert_int_equal(t_write(SLOT_A, fd, "name\n", 5), 5);
    assert_string_equal(renamed, "name");
    assert_int_equal(t_write(SLOT_A, fd, "a-name-of-many-characters", 25), 25);
    assert_string_equal(renamed, "a-name-of-many-");
    t_close(SLOT_A, fd);
    fd = t_open(SLOT_B, "/proc/100/comm", O_WRONLY, 0);
    assert_int_equal(t_write(SLOT_B, fd, "x", 1), ERR_INVALID_ARGUMENT);
    t_close(SLOT_B, fd);
    fake_on_coroutine = false;
    assert_int_equal(t_open(SLOT_A, "/proc/self/status", O_WRONLY, 0), ERR_ACCESS);
}

static void devices_come_and_go(void **state)
{
    (void)state;
    assert_int_equal(t_stat(SLOT_A, "/dev/null", &st), 0);
    assert_int_equal(st.rdev, FS_MAKEDEV(1, 3));
    assert_int_equal(devfs_add("pts/3", 0620, 1000, 5, FS_MAKEDEV(136, 3)), 0);
    assert_int_equal(devfs_add("pts/3", 0620, 1000, 5, FS_MAKEDEV(136, 3)), ERR_EXISTS);
    assert_int_equal(t_stat(SLOT_A, "/dev/pts/3", &st), 0);
    assert_int_equal(st.uid, 1000);
    assert_int_equal(st.mode, S_IFCHR | 0620);
    assert_int_equal(t_unlink(SLOT_A, "/dev/pts/3"), ERR_PERMISSION);
    devfs_remove("pts/3");
    assert_int_equal(t_stat(SLOT_A, "/dev/pts/3", &st), ERR_NOT_FOUND);
    assert_int_equal(devfs_add("a/b/c", 0600, 0, 0, FS_MAKEDEV(1, 3)), 0);
    assert_int_equal(t_stat(SLOT_A, "/dev/a/b/c", &st), 0);
}

/* RFC 8439, 2.3.2. */
static void chacha20_agrees_with_the_rfc(void **state)
{
    static const unsigned nonce[3] = { 0x09000000, 0x4a000000, 0 };
    static const unsigned char first[16] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
                                             0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4 };
    unsigned key[8];
    unsigned char out[64];

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        key[i] = i * 4 * 0x01010101u + 0x03020100u;
    chacha20_block(key, 1, nonce, out);
    assert_memory_equal(out, first, 16);
}

static int start(void **state)
{
    struct found at;

    (void)state;
    fake_start();
    assert_int_equal(devfs_init(), 0);
    procfs_init();
    assert_int_equal(t_mkdir(SLOT_A, "/proc", 0555), 0);
    assert_int_equal(vfs_lookup(NULL, FS_AT_FDCWD, "/proc", 0, &at), 0);
    assert_int_equal(vfs_mount(&procfs_type, "proc", &at.path, 0, NULL), 0);
    return 0;
}

static void an_empty_text_stays_empty(void **state)
{
    struct text t = { 0 };

    (void)state;
    text_add(&t, "", 0);
    text_printf(&t, "%s", "");
    text_escaped(&t, "");
    assert_int_equal(t.len, 0);
    text_add(&t, "ab", 2);
    text_add(&t, "", 0);
    assert_int_equal(t.len, 2);
    text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_stays_empty),
        cmocka_unit_test(self_is_the_reader),
        cmocka_unit_test(stat_has_all_its_fields),
        cmocka_unit_test(what_proc_must_answer_is_read_on_a_coroutine),
        cmocka_unit_test(every_file_of_the_tree_can_be_read),
        cmocka_unit_test(descriptors_are_links_to_their_files),
        cmocka_unit_test(objects_without_a_name_are_opened_through_their_link),
        cmocka_unit_test(others_may_not_look_inside),
        cmocka_unit_test(directories_list_what_lookup_finds),
        cmocka_unit_test(a_dead_process_leaves_nothing_to_find),
        cmocka_unit_test(a_process_does_not_vanish_during_exec),
        cmocka_unit_test(many_lookups_do_not_pile_up),
        cmocka_unit_test(a_process_may_write_its_own_name),
        cmocka_unit_test(devices_come_and_go),
        cmocka_unit_test(chacha20_agrees_with_the_rfc),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
