/* SPDX-License-Identifier: MIT */
/*
 * Mounts: bind, move, flags of one mount, propagation, what keeps one busy and
 * what /proc says. Needs root. Everything happens below a private tmpfs.
 */
#include "compat.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

static char base[64];

static int put(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0644);

    return fd < 0 ? -1 : close(fd);
}

static int enter(void)
{
    strcpy(base, "/tmp/mountsXXXXXX");
    return mkdtemp(base) == NULL || mount("scratch", base, "tmpfs", 0, NULL) != 0 ||
           mount("", base, "", MS_PRIVATE, NULL) != 0 || chdir(base) != 0;
}

/* The line of mountinfo for a mount below base; the last of them. */
static char *info(const char *where)
{
    static char line[1024];
    char found[1024] = "", path[256], at[256];
    FILE *f = fopen("/proc/self/mountinfo", "r");

    snprintf(path, sizeof path, "%s/%s", base, where);
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%*s %*s %*s %*s %255s", at) == 1 && strcmp(at, path) == 0)
            strcpy(found, line);
    if (f)
        fclose(f);
    return strcpy(line, found);
}

/* The number behind "shared:" or "master:" there; 0. */
static int tag(const char *where, const char *name)
{
    char *at = strstr(info(where), name);

    return at ? atoi(at + strlen(name)) : 0;
}

static int bind_shows_a_directory_at_two_places(void)
{
    char text[256], want[256];
    struct stat a, b;

    CHECK(mkdir("from", 0755) == 0 && mkdir("from/sub", 0755) == 0 && mkdir("to", 0755) == 0 && put("from/f") == 0);
    CHECK(mount("from", "to", NULL, MS_BIND, NULL) == 0);
    CHECK(stat("from/f", &a) == 0 && stat("to/f", &b) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    CHECK_ERRNO(rename("from/f", "to/g"), EXDEV);
    CHECK_ERRNO(link("from/f", "to/g"), EXDEV);
    CHECK(rename("to/f", "to/g") == 0 && access("from/g", F_OK) == 0);
    CHECK(chdir("to/sub") == 0 && getcwd(text, sizeof text) != NULL);
    snprintf(want, sizeof want, "%s/to/sub", base);
    CHECK(strcmp(text, want) == 0);
    memset(text, 0, sizeof text);
    CHECK(readlink("/proc/self/cwd", text, sizeof text) > 0 && strcmp(text, want) == 0);
    CHECK(chdir("../..") == 0 && getcwd(text, sizeof text) != NULL && strcmp(text, base) == 0);
    int fd = open("to/g", O_RDONLY);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    memset(text, 0, sizeof text);
    snprintf(want, sizeof want, "%s/to/g", base);
    CHECK(readlink(link, text, sizeof text) > 0 && strcmp(text, want) == 0);
    CHECK(strstr(info("to"), " /from ") != NULL);
    CHECK_ERRNO(umount("to"), EBUSY);
    CHECK(close(fd) == 0);
    CHECK_ERRNO(rmdir("to"), EBUSY);
    CHECK_ERRNO(rename("to", "else"), EBUSY);
    CHECK(umount("to") == 0);
    CHECK_ERRNO(access("to/g", F_OK), ENOENT);
    CHECK_ERRNO(umount("to"), EINVAL);
    return 0;
}

static int bind_of_a_file(void)
{
    char byte = 0;

    CHECK(put("a") == 0 && put("b") == 0 && mkdir("dir", 0755) == 0);
    int fd = open("a", O_WRONLY);
    CHECK(write(fd, "A", 1) == 1 && close(fd) == 0);
    CHECK_ERRNO(mount("a", "dir", NULL, MS_BIND, NULL), ENOTDIR);
    CHECK_ERRNO(mount("dir", "a", NULL, MS_BIND, NULL), ENOTDIR);
    CHECK_ERRNO(mount("none", "a", NULL, MS_BIND, NULL), ENOENT);
    CHECK_ERRNO(mount("", "a", NULL, MS_BIND, NULL), EINVAL);
    CHECK(mount("a", "b", NULL, MS_BIND, NULL) == 0);
    fd = open("b", O_RDONLY);
    CHECK(read(fd, &byte, 1) == 1 && byte == 'A' && close(fd) == 0);
    CHECK_ERRNO(unlink("b"), EBUSY);
    CHECK_ERRNO(rename("a", "b"), EBUSY);
    CHECK(unlink("a") == 0 && access("b", F_OK) == 0);
    CHECK(strstr(info("b"), "//deleted") != NULL);
    CHECK(umount("b") == 0);
    return 0;
}

static int recursive_bind_and_unbindable(void)
{
    CHECK(mkdir("r", 0755) == 0 && mkdir("r/m", 0755) == 0 && mkdir("r/n", 0755) == 0 && mkdir("r2", 0755) == 0);
    CHECK(mount("t", "r/m", "tmpfs", 0, NULL) == 0 && put("r/m/f") == 0);
    CHECK(mount("t", "r/n", "tmpfs", 0, NULL) == 0 && put("r/n/f") == 0);
    CHECK(mount("", "r/n", NULL, MS_UNBINDABLE, NULL) == 0);
    CHECK(strstr(info("r/n"), " unbindable ") != NULL);
    CHECK_ERRNO(mount("r/n", "r2", NULL, MS_BIND, NULL), EINVAL);
    CHECK(mount("r", "r2", NULL, MS_BIND, NULL) == 0);
    CHECK_ERRNO(access("r2/m/f", F_OK), ENOENT);
    CHECK(umount("r2") == 0);
    CHECK(mount("r", "r2", NULL, MS_BIND | MS_REC, NULL) == 0);
    CHECK(access("r2/m/f", F_OK) == 0);
    CHECK_ERRNO(access("r2/n/f", F_OK), ENOENT);
    CHECK_ERRNO(umount("r2"), EBUSY);
    CHECK(umount("r2/m") == 0 && umount("r2") == 0 && umount("r/m") == 0 && umount("r/n") == 0);
    return 0;
}

static int move(void)
{
    CHECK(mkdir("mv", 0755) == 0 && mkdir("mv/a", 0755) == 0 && mkdir("mv/b", 0755) == 0 && put("mv/file") == 0);
    CHECK(mount("t", "mv/a", "tmpfs", 0, NULL) == 0 && mkdir("mv/a/sub", 0755) == 0);
    CHECK(mount("t", "mv/a/sub", "tmpfs", 0, NULL) == 0 && put("mv/a/sub/f") == 0 && mkdir("mv/a/sub/d", 0755) == 0);
    CHECK_ERRNO(mount("mv/a/sub/d", "mv/b", NULL, MS_MOVE, NULL), EINVAL);
    CHECK_ERRNO(mount("mv/a", "mv/file", NULL, MS_MOVE, NULL), EINVAL);
    CHECK_ERRNO(mount("mv/a", "mv/a/sub", NULL, MS_MOVE, NULL), ELOOP);
    CHECK(mount("mv/a", "mv/b", NULL, MS_MOVE, NULL) == 0);
    CHECK(access("mv/b/sub/f", F_OK) == 0);
    CHECK_ERRNO(access("mv/a/sub", F_OK), ENOENT);
    CHECK(*info("mv/a") == 0 && *info("mv/b/sub") != 0);
    CHECK(umount2("mv/b", MNT_DETACH) == 0);
    CHECK(*info("mv/b") == 0 && *info("mv/b/sub") == 0);
    return 0;
}

static int read_only_is_of_one_mount(void)
{
    struct statvfs st;

    CHECK(mkdir("w", 0755) == 0 && mkdir("ro", 0755) == 0 && put("w/f") == 0);
    CHECK(mount("w", "ro", NULL, MS_BIND, NULL) == 0);
    CHECK_ERRNO(mount("", "w", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EINVAL);
    int fd = open("ro/f", O_WRONLY);
    CHECK_ERRNO(mount("", "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
    CHECK(close(fd) == 0);
    CHECK(mount("", "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
    CHECK_ERRNO(open("ro/f", O_WRONLY), EROFS);
    CHECK_ERRNO(open("ro/new", O_WRONLY | O_CREAT, 0644), EROFS);
    CHECK_ERRNO(unlink("ro/f"), EROFS);
    CHECK_ERRNO(mkdir("ro/d", 0755), EROFS);
    CHECK_ERRNO(mkdir("ro/f", 0755), EEXIST);
    CHECK_ERRNO(rename("ro/f", "ro/g"), EROFS);
    CHECK_ERRNO(symlink("x", "ro/s"), EROFS);
    CHECK_ERRNO(chmod("ro/f", 0600), EROFS);
    CHECK_ERRNO(chown("ro/f", 1, 1), EROFS);
    CHECK_ERRNO(truncate("ro/f", 1), EROFS);
    CHECK_ERRNO(utimensat(AT_FDCWD, "ro/f", NULL, 0), EROFS);
    CHECK_ERRNO(access("ro/f", W_OK), EROFS);
    CHECK(statvfs("ro", &st) == 0 && (st.f_flag & ST_RDONLY));
    CHECK(statvfs("w", &st) == 0 && !(st.f_flag & ST_RDONLY));
    CHECK((fd = open("w/f", O_WRONLY)) >= 0 && close(fd) == 0);
    CHECK(mount("", "ro", NULL, MS_REMOUNT | MS_BIND, NULL) == 0);
    CHECK(unlink("ro/f") == 0 && umount("ro") == 0);
    return 0;
}

/* Exit status: that of the program, 126 if it could not be started. */
static int run_as_user(const char *program)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (setgid(1000) || setuid(1000))
            _exit(125);
        execl(program, program, "euid", (char *)NULL);
        _exit(errno == EACCES ? 126 : 124);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int copy_self(const char *to)
{
    char chunk[4096];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0755);
    ssize_t n;

    while ((n = read(in, chunk, sizeof chunk)) > 0)
        if (write(out, chunk, (size_t)n) != n)
            return -1;
    close(in);
    return n < 0 || close(out) ? -1 : chmod(to, 04755);
}

static int no_suid_no_exec_no_dev_are_of_one_mount(void)
{
    CHECK(mkdir("x", 0755) == 0 && mkdir("x2", 0755) == 0 && chmod(base, 0755) == 0);
    CHECK(copy_self("x/prog") == 0);
    CHECK(mknod("x/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
    CHECK(mount("x", "x2", NULL, MS_BIND, NULL) == 0);
    CHECK(run_as_user("x2/prog") == 0);
    CHECK(mount("", "x2", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL) == 0);
    CHECK(run_as_user("x2/prog") == 1);
    CHECK(run_as_user("x/prog") == 0);
    CHECK(mount("", "x2", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NODEV, NULL) == 0);
    CHECK(run_as_user("x2/prog") == 126);
    CHECK_ERRNO(open("x2/null", O_RDONLY), EACCES);
    int fd = open("x/null", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(strstr(info("x2"), "noexec") != NULL && strstr(info("x2"), "nosuid") == NULL);
    CHECK(umount("x2") == 0);
    return 0;
}

static int a_detached_mount_lives_until_its_last_user(void)
{
    char byte = 0;

    CHECK(mkdir("det", 0755) == 0 && mount("t", "det", "tmpfs", 0, NULL) == 0);
    int fd = open("det/f", O_CREAT | O_RDWR, 0644);
    CHECK(write(fd, "x", 1) == 1);
    CHECK_ERRNO(umount("det"), EBUSY);
    CHECK(umount2("det", MNT_DETACH) == 0);
    CHECK_ERRNO(access("det/f", F_OK), ENOENT);
    CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'x' && close(fd) == 0);
    return 0;
}

static int mounts_stack(void)
{
    CHECK(mkdir("st", 0755) == 0 && symlink("st", "st-link") == 0);
    CHECK(mount("t", "st", "tmpfs", 0, NULL) == 0 && put("st/one") == 0);
    CHECK(mount("t", "st", "tmpfs", 0, NULL) == 0 && put("st/two") == 0);
    CHECK_ERRNO(access("st/one", F_OK), ENOENT);
    CHECK_ERRNO(umount2("st-link", UMOUNT_NOFOLLOW), EINVAL);
    CHECK_ERRNO(umount2("st", 0x100), EINVAL);
    CHECK(umount("st-link") == 0 && access("st/one", F_OK) == 0);
    CHECK_ERRNO(mount("t", "st", "no-such-type", 0, NULL), ENODEV);
    CHECK_ERRNO(mount("t", "st/one", "tmpfs", 0, NULL), ENOTDIR);
    CHECK(umount("st") == 0);
    return 0;
}

static int a_moved_directory_has_no_parent_outside_of_a_bind(void)
{
    CHECK(mkdir("esc", 0755) == 0 && mkdir("esc/part", 0755) == 0 && mkdir("esc/part/in", 0755) == 0);
    CHECK(mkdir("shown", 0755) == 0 && mount("esc/part", "shown", NULL, MS_BIND, NULL) == 0);
    CHECK(chdir("shown/in") == 0);
    char out[128], in[128];
    snprintf(in, sizeof in, "%s/esc/part/in", base);
    snprintf(out, sizeof out, "%s/esc/out", base);
    CHECK(rename(in, out) == 0);
    CHECK_ERRNO(access("..", F_OK), ENOENT);
    CHECK(chdir(base) == 0 && umount("shown") == 0);
    return 0;
}

static int peers_see_what_is_mounted_under_one(void)
{
    CHECK(mkdir("s1", 0755) == 0 && mkdir("s1/m", 0755) == 0 && mkdir("s2", 0755) == 0);
    CHECK_ERRNO(mount("", "s1", NULL, MS_SHARED, NULL), EINVAL);
    CHECK(mount("s1", "s1", NULL, MS_BIND, NULL) == 0);
    CHECK_ERRNO(mount("", "s1", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
    CHECK(tag("s1", "shared:") == 0 && mount("", "s1", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("s1", "s2", NULL, MS_BIND, NULL) == 0);
    CHECK(tag("s1", "shared:") != 0 && tag("s1", "shared:") == tag("s2", "shared:"));
    CHECK(mount("t", "s2/m", "tmpfs", 0, NULL) == 0 && put("s1/m/f") == 0 && access("s2/m/f", F_OK) == 0);
    CHECK(tag("s1/m", "shared:") != 0 && tag("s1/m", "shared:") == tag("s2/m", "shared:"));
    CHECK_ERRNO(mount("s1/m", "s2", NULL, MS_MOVE, NULL), EINVAL);
    int fd = open("s2/m/f", O_RDONLY);
    CHECK_ERRNO(umount("s1/m"), EBUSY);
    CHECK(close(fd) == 0 && umount("s1/m") == 0);
    CHECK_ERRNO(access("s2/m/f", F_OK), ENOENT);
    CHECK(umount("s2") == 0 && umount("s1") == 0);
    return 0;
}

static int slaves_receive_but_do_not_send(void)
{
    CHECK(mkdir("ma", 0755) == 0 && mkdir("ma/m", 0755) == 0 && mkdir("ma/n", 0755) == 0);
    CHECK(mkdir("sl", 0755) == 0 && mkdir("sl2", 0755) == 0);
    CHECK(mount("ma", "ma", NULL, MS_BIND, NULL) == 0 && mount("", "ma", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("ma", "sl", NULL, MS_BIND, NULL) == 0 && mount("", "sl", NULL, MS_SLAVE, NULL) == 0);
    CHECK(tag("sl", "shared:") == 0 && tag("sl", "master:") == tag("ma", "shared:"));
    CHECK(mount("", "sl", NULL, MS_SHARED, NULL) == 0 && mount("sl", "sl2", NULL, MS_BIND, NULL) == 0);
    CHECK(tag("sl", "shared:") != 0 && tag("sl", "shared:") == tag("sl2", "shared:"));
    CHECK(tag("sl2", "master:") == tag("ma", "shared:"));
    CHECK(mount("t", "ma/m", "tmpfs", 0, NULL) == 0 && put("ma/m/f") == 0);
    CHECK(access("sl/m/f", F_OK) == 0 && access("sl2/m/f", F_OK) == 0);
    CHECK(tag("sl/m", "shared:") == tag("sl2/m", "shared:") && tag("sl/m", "master:") == tag("ma/m", "shared:"));
    CHECK(mount("t", "sl/n", "tmpfs", 0, NULL) == 0 && put("sl/n/g") == 0 && access("sl2/n/g", F_OK) == 0);
    CHECK_ERRNO(access("ma/n/g", F_OK), ENOENT);
    CHECK(umount("sl2/n") == 0);
    CHECK_ERRNO(access("sl/n/g", F_OK), ENOENT);
    CHECK(umount("sl/m") == 0 && access("ma/m/f", F_OK) == 0);
    CHECK_ERRNO(access("sl2/m/f", F_OK), ENOENT);
    CHECK(umount("ma/m") == 0 && umount("ma") == 0);
    CHECK(tag("sl", "master:") == 0 && tag("sl", "shared:") != 0);
    CHECK(mount("", "sl", NULL, MS_PRIVATE, NULL) == 0 && tag("sl", "shared:") == 0);
    CHECK(umount("sl") == 0 && umount("sl2") == 0);
    return 0;
}

/* What comes from a master goes beneath what the slave has there, and away from there. */
static int a_propagated_mount_does_not_hide_what_is_mounted(void)
{
    CHECK(mkdir("t1", 0755) == 0 && mkdir("t1/m", 0755) == 0 && mkdir("t2", 0755) == 0);
    CHECK(mount("t1", "t1", NULL, MS_BIND, NULL) == 0 && mount("", "t1", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("t1", "t2", NULL, MS_BIND, NULL) == 0 && mount("", "t2", NULL, MS_SLAVE, NULL) == 0);
    CHECK(mount("t", "t2/m", "tmpfs", 0, NULL) == 0 && put("t2/m/own") == 0);
    CHECK(mount("t", "t1/m", "tmpfs", 0, NULL) == 0 && put("t1/m/masters") == 0);
    CHECK(access("t2/m/own", F_OK) == 0);
    CHECK(umount("t1/m") == 0 && access("t2/m/own", F_OK) == 0);
    CHECK(umount("t2/m") == 0 && umount("t2") == 0 && umount("t1") == 0);
    return 0;
}

static int only_root_may_mount(void)
{
    int status;
    pid_t pid;

    CHECK(mkdir("priv", 0755) == 0);
    pid = fork();
    if (pid == 0) {
        if (setuid(1000))
            _exit(9);
        if (mount("t", "priv", "tmpfs", 0, NULL) != -1 || errno != EPERM)
            _exit(1);
        if (mount("priv", "priv", NULL, MS_BIND, NULL) != -1 || errno != EPERM)
            _exit(2);
        _exit(umount("priv") != -1 || errno != EPERM ? 3 : 0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int leave(void)
{
    CHECK(chdir("/") == 0 && umount(base) == 0 && rmdir(base) == 0);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct compat_test tests[] = {
        T(bind_shows_a_directory_at_two_places), T(bind_of_a_file), T(recursive_bind_and_unbindable), T(move),
        T(read_only_is_of_one_mount), T(no_suid_no_exec_no_dev_are_of_one_mount),
        T(a_detached_mount_lives_until_its_last_user), T(mounts_stack),
        T(a_moved_directory_has_no_parent_outside_of_a_bind), T(peers_see_what_is_mounted_under_one),
        T(slaves_receive_but_do_not_send), T(a_propagated_mount_does_not_hide_what_is_mounted),
        T(only_root_may_mount), T(leave),
    };

    if (argc == 2 && strcmp(argv[1], "euid") == 0)
        return geteuid() == 0 ? 0 : 1;
    if (enter()) {
        printf("not ok 1 - a scratch tmpfs: %s\n1..1\n", strerror(errno));
        return 1;
    }
    return compat_main(tests, (int)(sizeof tests / sizeof tests[0]), argc, argv);
}
