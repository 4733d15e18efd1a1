/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c
 *        servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c
 *        servers/fs/cpio.c servers/fs/unpack.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* The cpio reader and unpacking, with good, damaged and hostile archives. */
#include "names_fakes.h"

#include <stdio.h>

#include "cpio.h"
#include "unpack.h"

static uint8_t archive[1 << 16];
static size_t archive_bytes;
static struct fs_stat st;

static void add(const char *name, uint32_t mode, uint32_t ino, uint32_t nlink, const void *data, uint32_t bytes)
{
    size_t name_bytes = strlen(name) + 1;

    archive_bytes += (size_t)sprintf((char *)archive + archive_bytes,
                                     "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ino, mode, 3, 4,
                                     nlink, 1000, bytes, 0, 0, 5, 1, (unsigned)name_bytes, 0);
    memcpy(archive + archive_bytes, name, name_bytes);
    archive_bytes = (archive_bytes + name_bytes + 3) & ~3ul;
    if (bytes)
        memcpy(archive + archive_bytes, data, bytes);
    archive_bytes = (archive_bytes + bytes + 3) & ~3ul;
}

static void begin(void)
{
    memset(archive, 0, sizeof archive);
    archive_bytes = 0;
}

static void all_types_are_unpacked(void **state)
{
    char text[16] = { 0 };
    int64_t fd;

    (void)state;
    begin();
    add(".", S_IFDIR | 0755, 1, 2, NULL, 0);
    add("bin", S_IFDIR | 0751, 2, 2, NULL, 0);
    add("bin/tool", S_IFREG | 0755, 3, 1, "#!tool", 6);
    add("bin/link", S_IFLNK | 0777, 4, 1, "tool", 4);
    add("deep/er/file", S_IFREG | 0600, 5, 1, "x", 1);
    add("dev-null", S_IFCHR | 0666, 6, 1, NULL, 0);
    add("one", S_IFREG | 0644, 7, 2, NULL, 0);
    add("two", S_IFREG | 0644, 7, 2, "shared", 6);
    add("TRAILER!!!", 0, 0, 1, NULL, 0);
    assert_int_equal(unpack_archive(archive, archive_bytes), 0);
    assert_int_equal(t_stat(SLOT_A, "/bin", &st), 0);
    assert_int_equal(st.mode, S_IFDIR | 0751);
    fd = t_open(SLOT_A, "/bin/link", O_RDONLY, 0);
    assert_int_equal(t_read(SLOT_A, fd, text, 16), 6);
    assert_string_equal(text, "#!tool");
    t_close(SLOT_A, fd);
    t_stat(SLOT_A, "/bin/tool", &st);
    assert_int_equal(st.uid, 3);
    assert_int_equal(st.gid, 4);
    assert_int_equal(st.mtime_s, 1000);
    assert_int_equal(t_stat(SLOT_A, "/deep/er/file", &st), 0);
    t_stat(SLOT_A, "/dev-null", &st);
    assert_int_equal(st.rdev, FS_MAKEDEV(5, 1));
    t_stat(SLOT_A, "/one", &st);
    assert_int_equal(st.nlink, 2);
    assert_int_equal(st.size, 6);
}

static void later_members_replace_earlier_ones(void **state)
{
    (void)state;
    begin();
    add("bin/tool", S_IFREG | 0700, 3, 1, "newer!!", 7);
    add("bin/link", S_IFREG | 0700, 4, 1, "now a file", 10);
    add("bin", S_IFDIR | 0700, 2, 2, NULL, 0);
    add("deep/er/file", S_IFDIR | 0700, 2, 2, NULL, 0);
    assert_int_equal(unpack_archive(archive, archive_bytes), 0);
    t_stat(SLOT_A, "/bin/tool", &st);
    assert_int_equal(st.size, 7);
    t_lstat(SLOT_A, "/bin/link", &st);
    assert_true(S_ISREG(st.mode));
    t_stat(SLOT_A, "/bin", &st);
    assert_int_equal(st.mode, S_IFDIR | 0700);
    t_stat(SLOT_A, "/deep/er/file", &st);
    assert_true(S_ISDIR(st.mode));
}

static void the_boot_archive_gives_root_overlays_and_command(void **state)
{
    static uint8_t inner[2][4096], copy[sizeof archive];
    size_t bytes[2];
    char text[32] = { 0 };

    (void)state;
    begin();
    add("etc/base", S_IFREG | 0644, 1, 1, "base", 4);
    add("etc/both", S_IFREG | 0644, 2, 1, "base", 4);
    memcpy(inner[0], archive, bytes[0] = archive_bytes);
    begin();
    add("etc/both", S_IFREG | 0644, 1, 1, "over", 4);
    memcpy(inner[1], archive, bytes[1] = archive_bytes);
    begin();
    add("servers/fs.elf", S_IFREG | 0644, 1, 1, "elf", 3);
    add("exec/command", S_IFREG | 0644, 1, 1, "echo hi", 7);
    add("rootfs.cpio", S_IFREG | 0644, 1, 1, inner[0], (uint32_t)bytes[0]);
    add("overlay-1.cpio", S_IFREG | 0644, 1, 1, inner[1], (uint32_t)bytes[1]);
    memcpy(copy, archive, archive_bytes);
    assert_int_equal(unpack_boot_archive(copy, archive_bytes), 0);
    int64_t fd = t_open(SLOT_A, "/etc/both", O_RDONLY, 0);

    assert_int_equal(t_read(SLOT_A, fd, text, 8), 4);
    assert_string_equal(text, "over");
    t_close(SLOT_A, fd);
    fd = t_open(SLOT_A, "/run/atoll/command", O_RDONLY, 0);
    assert_int_equal(t_read(SLOT_A, fd, text, 32), 7);
    assert_memory_equal(text, "echo hi", 7);
    t_close(SLOT_A, fd);
    assert_int_equal(t_stat(SLOT_A, "/servers", &st), ERR_NOT_FOUND);
}

static void damaged_archives_are_refused(void **state)
{
    struct cpio_reader r;
    struct cpio_member m;

    (void)state;
    begin();
    add("name", S_IFREG | 0644, 1, 1, "data", 4);
    for (size_t cut = 1; cut < archive_bytes; cut++) {
        uint8_t *exact = malloc(cut);           /* so that the sanitizer sees reads beyond */

        memcpy(exact, archive, cut);
        cpio_open(&r, exact, cut);
        assert_int_equal(cpio_next(&r, &m), ERR_BAD_MESSAGE);
        free(exact);
    }
    archive[94 + 7] = '0';                      /* a name of no bytes */
    cpio_open(&r, archive, archive_bytes);
    assert_int_equal(cpio_next(&r, &m), ERR_BAD_MESSAGE);
    begin();
    assert_int_equal(unpack_archive(archive, 0), 0);
    assert_int_equal(unpack_archive(archive, 4096), 0);
}

/* Any bytes may be changed: no crash, no read outside, no endless loop. */
static void random_damage_does_no_harm(void **state)
{
    static uint8_t whole[8192];
    size_t bytes;

    (void)state;
    begin();
    add("fuzz/dir", S_IFDIR | 0755, 1, 2, NULL, 0);
    add("fuzz/dir/file", S_IFREG | 0644, 2, 1, "some data", 9);
    add("fuzz/link", S_IFLNK | 0777, 3, 1, "dir", 3);
    add("fuzz/h", S_IFREG | 0644, 4, 2, "hh", 2);
    add("fuzz/h2", S_IFREG | 0644, 4, 2, NULL, 0);
    add("TRAILER!!!", 0, 0, 1, NULL, 0);
    memcpy(whole, archive, bytes = archive_bytes);
    srand(3);
    for (int i = 0; i < 4000; i++) {
        uint8_t *exact = malloc(bytes);

        memcpy(exact, whole, bytes);
        for (int k = rand() % 4; k >= 0; k--)
            exact[(size_t)rand() % bytes] = rand() % 3 ? (uint8_t)"0123456789abcdef/."[rand() % 18] : (uint8_t)rand();
        (void)unpack_archive(exact, bytes);
        free(exact);
    }
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_types_are_unpacked),
        cmocka_unit_test(later_members_replace_earlier_ones),
        cmocka_unit_test(the_boot_archive_gives_root_overlays_and_command),
        cmocka_unit_test(damaged_archives_are_refused),
        cmocka_unit_test(random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
