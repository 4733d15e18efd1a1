/* SPDX-License-Identifier: MIT */
/* compat: glibc musl; timeout=60 */
/* inotify: which events come, in which order, with which names and cookies. */
#include "compat.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static char dir[64];
static int in;
static uint32_t cookies[64];

static const struct { uint32_t bit; const char *name; } names[] = {
    { IN_ACCESS, "access" }, { IN_MODIFY, "modify" }, { IN_ATTRIB, "attrib" }, { IN_CLOSE_WRITE, "close_write" },
    { IN_CLOSE_NOWRITE, "close" }, { IN_OPEN, "open" }, { IN_MOVED_FROM, "from" }, { IN_MOVED_TO, "to" },
    { IN_CREATE, "create" }, { IN_DELETE, "delete" }, { IN_DELETE_SELF, "delete_self" }, { IN_MOVE_SELF, "move_self" },
    { IN_UNMOUNT, "unmount" }, { IN_Q_OVERFLOW, "overflow" }, { IN_IGNORED, "ignored" }, { IN_ISDIR, "dir" },
};

/* What is queued, as "wd:event[+dir][:name]" with spaces between; cookies aside. */
static const char *events(void)
{
    static char text[8192];
    char buffer[4096] __attribute__((aligned(8)));
    int nr = 0;
    ssize_t n;

    text[0] = 0;
    while ((n = read(in, buffer, sizeof buffer)) > 0) {
        for (char *p = buffer; p < buffer + n;) {
            struct inotify_event *e = (struct inotify_event *)p;
            int first = 1;

            sprintf(text + strlen(text), "%s%d:", text[0] ? " " : "", e->wd);
            for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
                if (e->mask & names[i].bit) {
                    sprintf(text + strlen(text), "%s%s", first ? "" : "+", names[i].name);
                    first = 0;
                }
            }
            if (e->len)
                sprintf(text + strlen(text), ":%s", e->name);
            cookies[nr++ % 64] = e->cookie;
            p += sizeof *e + e->len;
        }
    }
    return text;
}

#define CHECK_EVENTS(wanted)                                                             \
    do {                                                                                 \
        const char *got_ = events();                                                     \
        if (strcmp(got_, wanted) != 0) {                                                 \
            printf("# %s:%d: wanted '%s'\n#   got '%s'\n", __FILE__, __LINE__, wanted, got_); \
            return 1;                                                                    \
        }                                                                                \
    } while (0)

static int put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0644);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : close(fd);
}

/* A fresh instance and an empty directory. */
static int begin(void)
{
    if (in > 0)
        close(in);
    strcpy(dir, "/tmp/inotifyXXXXXX");
    in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return in < 0 || mkdtemp(dir) == NULL || chdir(dir) != 0;
}

static int names_come_and_go(void)
{
    CHECK(begin() == 0 && mkdir("d", 0755) == 0);
    CHECK(inotify_add_watch(in, "d", IN_CREATE | IN_DELETE) == 1);
    CHECK(put("d/f", "x") == 0 && mkdir("d/sub", 0755) == 0 && symlink("f", "d/s") == 0 && mkfifo("d/p", 0644) == 0);
    CHECK(link("d/f", "d/l") == 0);
    CHECK_EVENTS("1:create:f 1:create+dir:sub 1:create:s 1:create:p 1:create:l");
    CHECK(unlink("d/f") == 0 && rmdir("d/sub") == 0 && unlink("d/s") == 0 && unlink("d/p") == 0 && unlink("d/l") == 0);
    CHECK_EVENTS("1:delete:f 1:delete+dir:sub 1:delete:s 1:delete:p 1:delete:l");
    return 0;
}

static int a_file_is_used(void)
{
    char byte;

    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && put("d/f", "abc") == 0);
    CHECK(inotify_add_watch(in, "d", IN_ALL_EVENTS) == 1);
    int fd = open("d/f", O_RDWR);
    CHECK_EVENTS("1:open:f");
    CHECK(read(fd, &byte, 1) == 1);
    CHECK_EVENTS("1:access:f");
    CHECK(pwrite(fd, "z", 1, 0) == 1);
    CHECK_EVENTS("1:modify:f");
    CHECK(pread(fd, &byte, 1, 100) == 0 && write(fd, "", 0) == 0);
    CHECK_EVENTS("");
    CHECK(ftruncate(fd, 1) == 0);
    CHECK_EVENTS("1:modify:f");
    int twin = dup(fd);
    CHECK(close(fd) == 0);
    CHECK_EVENTS("");
    CHECK(close(twin) == 0);
    CHECK_EVENTS("1:close_write:f");
    CHECK((fd = open("d/f", O_RDONLY)) >= 0 && close(fd) == 0);
    CHECK_EVENTS("1:open:f 1:close:f");
    CHECK((fd = open("d/f", O_PATH)) >= 0 && close(fd) == 0);
    CHECK_EVENTS("");
    CHECK(truncate("d/f", 10) == 0);
    CHECK_EVENTS("1:modify:f");
    return 0;
}

/* However often a file was read before: each read is told. */
static int reads_at_positions_are_told(void)
{
    char bytes[16];

    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && put("d/f", "abcdef") == 0);
    int fd = open("d/f", O_RDONLY);
    for (int i = 0; i < 50; i++)
        CHECK(pread(fd, bytes, 4, i % 4) > 0);
    CHECK(inotify_add_watch(in, "d", IN_ACCESS) == 1);
    for (int i = 0; i < 50; i++) {
        CHECK(pread(fd, bytes, 4, i % 4) > 0);
        CHECK_EVENTS("1:access:f");
    }
    CHECK(inotify_rm_watch(in, 1) == 0 && inotify_add_watch(in, "d", IN_CREATE) == 2);
    CHECK_EVENTS("1:ignored");
    for (int i = 0; i < 50; i++)
        CHECK(pread(fd, bytes, 4, i % 4) > 0);
    CHECK_EVENTS("");
    CHECK(inotify_add_watch(in, "d/f", IN_ACCESS) == 3);
    for (int i = 0; i < 50; i++) {
        CHECK(pread(fd, bytes, 4, i % 4) > 0);
        CHECK_EVENTS("3:access");
    }
    CHECK(close(fd) == 0);
    return 0;
}

static int attributes_change(void)
{
    struct timespec times[2] = { { 1, 0 }, { 0, UTIME_OMIT } };

    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && put("d/f", "abc") == 0);
    CHECK(inotify_add_watch(in, "d", IN_ALL_EVENTS) == 1 && inotify_add_watch(in, "d/f", IN_ALL_EVENTS) == 2);
    CHECK(chmod("d/f", 0600) == 0);
    CHECK_EVENTS("1:attrib:f 2:attrib");
    CHECK(chown("d/f", 5, 5) == 0);
    CHECK_EVENTS("1:attrib:f 2:attrib");
    CHECK(utimensat(AT_FDCWD, "d/f", NULL, 0) == 0);
    CHECK_EVENTS("1:attrib:f 2:attrib");
    CHECK(utimensat(AT_FDCWD, "d/f", times, 0) == 0);
    CHECK_EVENTS("1:access:f 2:access");
    CHECK(chmod("d", 0700) == 0);
    CHECK_EVENTS("1:attrib+dir");
    CHECK(link("d/f", "l") == 0);
    CHECK_EVENTS("2:attrib");
    CHECK(unlink("l") == 0);
    CHECK_EVENTS("2:attrib");
    return 0;
}

static int moves_carry_a_cookie(void)
{
    CHECK(begin() == 0 && mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 && put("a/f", "") == 0 && mkdir("a/s", 0755) == 0);
    CHECK(inotify_add_watch(in, "a", IN_MOVE) == 1 && inotify_add_watch(in, "b", IN_MOVE | IN_DELETE) == 2);
    CHECK(inotify_add_watch(in, "a/f", IN_ALL_EVENTS) == 3 && inotify_add_watch(in, "a/s", IN_ALL_EVENTS) == 4);
    CHECK(rename("a/f", "b/g") == 0);
    CHECK_EVENTS("1:from:f 2:to:g 3:move_self");
    CHECK(cookies[0] != 0 && cookies[0] == cookies[1] && cookies[2] == 0);
    uint32_t before = cookies[0];
    CHECK(rename("a/s", "b/s") == 0);
    CHECK_EVENTS("1:from+dir:s 2:to+dir:s 4:move_self");
    CHECK(cookies[0] == cookies[1] && cookies[0] != before);
    CHECK(put("a/f", "") == 0 && inotify_rm_watch(in, 4) == 0);
    CHECK_EVENTS("4:ignored");
    CHECK(rename("a/f", "b/g") == 0);       /* over a watched file */
    CHECK_EVENTS("1:from:f 2:to:g 3:attrib 3:delete_self 3:ignored");
    return 0;
}

static int the_watched_one_goes(void)
{
    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && put("d/f", "") == 0 && mkdir("d/e", 0755) == 0);
    CHECK(inotify_add_watch(in, "d/f", IN_ALL_EVENTS) == 1 && inotify_add_watch(in, "d/e", IN_ALL_EVENTS) == 2);
    CHECK(unlink("d/f") == 0);
    CHECK_EVENTS("1:attrib 1:delete_self 1:ignored");
    CHECK(rmdir("d/e") == 0);
    CHECK_EVENTS("2:delete_self 2:ignored");
    CHECK_ERRNO(inotify_rm_watch(in, 1), EINVAL);
    CHECK(put("d/f", "") == 0);
    int fd = open("d/f", O_RDONLY);
    CHECK(inotify_add_watch(in, "d/f", IN_ALL_EVENTS) == 3 && unlink("d/f") == 0);
    CHECK_EVENTS("3:attrib");
    CHECK(close(fd) == 0);                  /* who has it open keeps it */
    CHECK_EVENTS("3:close 3:delete_self 3:ignored");
    return 0;
}

static int masks(void)
{
    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && put("d/f", "") == 0 && symlink("d", "to-d") == 0);
    CHECK_ERRNO(inotify_add_watch(in, "d", 0), EINVAL);
    CHECK_ERRNO(inotify_add_watch(in, "none", IN_OPEN), ENOENT);
    CHECK_ERRNO(inotify_add_watch(in, "d/f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
    CHECK_ERRNO(inotify_add_watch(in, "d", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
    CHECK_ERRNO(inotify_add_watch(99, "d", IN_OPEN), EBADF);
    CHECK_ERRNO(inotify_add_watch(1, "d", IN_OPEN), EINVAL);
    CHECK_ERRNO(inotify_rm_watch(1, 1), EINVAL);
    CHECK_ERRNO(inotify_init1(0x10000), EINVAL);
    CHECK(inotify_add_watch(in, "d/f", IN_OPEN) == 1);
    CHECK_ERRNO(inotify_add_watch(in, "d/f", IN_OPEN | IN_MASK_CREATE), EEXIST);
    CHECK(inotify_add_watch(in, "d/f", IN_ATTRIB | IN_MASK_ADD) == 1);
    CHECK(chmod("d/f", 0600) == 0 && close(open("d/f", O_RDONLY)) == 0);
    CHECK_EVENTS("1:attrib 1:open");
    CHECK(inotify_add_watch(in, "d/f", IN_ATTRIB) == 1 && close(open("d/f", O_RDONLY)) == 0);
    CHECK_EVENTS("");
    CHECK(inotify_add_watch(in, "d/f", IN_ATTRIB | IN_ONESHOT) == 1);
    CHECK(chmod("d/f", 0600) == 0 && chmod("d/f", 0644) == 0);
    CHECK_EVENTS("1:attrib 1:ignored");
    CHECK(inotify_add_watch(in, "to-d", IN_CREATE) == 2 && inotify_add_watch(in, "d", IN_CREATE) == 2);
    CHECK(inotify_add_watch(in, "to-d", IN_ALL_EVENTS | IN_DONT_FOLLOW) == 3);
    CHECK(unlink("to-d") == 0);
    CHECK_EVENTS("3:attrib 3:delete_self 3:ignored");
    CHECK(inotify_add_watch(in, "d", IN_MODIFY | IN_EXCL_UNLINK) == 2);
    int fd = open("d/f", O_WRONLY);
    CHECK(write(fd, "x", 1) == 1);
    CHECK_EVENTS("2:modify:f");
    CHECK(unlink("d/f") == 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    CHECK_EVENTS("");
    return 0;
}

static int reading_gives_whole_events(void)
{
    char buffer[256] __attribute__((aligned(8)));
    struct inotify_event *e = (struct inotify_event *)buffer;
    struct pollfd p;
    int queued;

    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && inotify_add_watch(in, "d", IN_CREATE) == 1);
    CHECK_ERRNO(read(in, buffer, sizeof buffer), EAGAIN);
    p = (struct pollfd){ .fd = in, .events = POLLIN };
    CHECK(poll(&p, 1, 0) == 0);
    CHECK(ioctl(in, FIONREAD, &queued) == 0 && queued == 0);
    CHECK(mkdir("d/0123456789abcde", 0755) == 0 && mkdir("d/0123456789abcdef", 0755) == 0);
    CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
    CHECK(ioctl(in, FIONREAD, &queued) == 0 && queued == 32 + 48);
    CHECK_ERRNO(read(in, buffer, 31), EINVAL);
    CHECK(read(in, buffer, 32 + 47) == 32);
    CHECK(e->len == 16 && strcmp(e->name, "0123456789abcde") == 0);
    CHECK(read(in, buffer, sizeof buffer) == 48);
    CHECK(e->len == 32 && strcmp(e->name, "0123456789abcdef") == 0);
    CHECK_ERRNO(write(in, buffer, 16), EBADF);
    return 0;
}

static int the_same_event_twice_in_a_row_is_one(void)
{
    CHECK(begin() == 0 && put("f", "") == 0 && inotify_add_watch(in, "f", IN_MODIFY | IN_ATTRIB) == 1);
    int fd = open("f", O_WRONLY);
    CHECK(write(fd, "a", 1) == 1 && write(fd, "b", 1) == 1 && fchmod(fd, 0600) == 0 && write(fd, "c", 1) == 1);
    CHECK_EVENTS("1:modify 1:attrib 1:modify");
    CHECK(close(fd) == 0);
    return 0;
}

static int too_many_events_overflow(void)
{
    char buffer[65536] __attribute__((aligned(8))), name[32];
    int nr = 0, overflows = 0, last = 0;
    ssize_t n;

    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && inotify_add_watch(in, "d", IN_CREATE | IN_DELETE) == 1);
    for (int i = 0; i < 20000; i++) {
        sprintf(name, "d/%d", i / 2);
        CHECK((i % 2 ? rmdir(name) : mkdir(name, 0755)) == 0);
    }
    while ((n = read(in, buffer, sizeof buffer)) > 0) {
        for (char *p = buffer; p < buffer + n;) {
            struct inotify_event *e = (struct inotify_event *)p;

            nr++;
            last = e->mask & IN_Q_OVERFLOW && e->wd == -1;
            overflows += last;
            p += sizeof *e + e->len;
        }
    }
    CHECK(overflows == 1 && last && nr > 1000 && nr <= 16385);
    CHECK(mkdir("d/again", 0755) == 0);
    CHECK_EVENTS("1:create+dir:again");
    CHECK(rmdir("d/again") == 0);
    return 0;
}

static int a_reader_waits_for_the_next(void)
{
    char buffer[256] __attribute__((aligned(8)));
    int status;

    CHECK(begin() == 0 && mkdir("d", 0755) == 0 && inotify_add_watch(in, "d", IN_CREATE) == 1);
    CHECK(fcntl(in, F_SETFL, 0) == 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(put("d/x", "") != 0);
    CHECK(read(in, buffer, sizeof buffer) == 32 && strcmp(((struct inotify_event *)buffer)->name, "x") == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int unmounting_ends_the_watch(void)
{
    CHECK(begin() == 0 && mkdir("m", 0755) == 0 && mount("t", "m", "tmpfs", 0, NULL) == 0);
    CHECK(put("m/f", "") == 0 && inotify_add_watch(in, "m/f", IN_OPEN) == 1);
    CHECK(umount("m") == 0);
    CHECK_EVENTS("1:unmount 1:ignored");
    return 0;
}

static int unreadable_files_cannot_be_watched(void)
{
    int status;

    CHECK(begin() == 0 && put("secret", "") == 0 && chmod("secret", 0600) == 0 && chmod(dir, 0755) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setuid(1000))
            _exit(9);
        _exit(inotify_add_watch(in, "secret", IN_OPEN) != -1 || errno != EACCES);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int instances_are_limited(void)
{
    int fd[256], nr = 0;

    while (nr < 256 && (fd[nr] = inotify_init1(0)) >= 0)
        nr++;
    CHECK(errno == EMFILE && nr > 100 && nr <= 128);
    while (nr)
        CHECK(close(fd[--nr]) == 0);
    return 0;
}

COMPAT_MAIN(T(names_come_and_go), T(a_file_is_used), T(reads_at_positions_are_told), T(attributes_change), T(moves_carry_a_cookie),
            T(the_watched_one_goes), T(masks), T(reading_gives_whole_events),
            T(the_same_event_twice_in_a_row_is_one), T(too_many_events_overflow), T(a_reader_waits_for_the_next),
            T(unmounting_ends_the_watch), T(unreadable_files_cannot_be_watched), T(instances_are_limited))
