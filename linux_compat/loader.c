/* SPDX-License-Identifier: MIT */
/*
 * exec, the second half: the personality of a fresh image is its program's
 * loader (docs/architecture.md 4).
 *
 *   what to load   proc.exec_info, exec_path (or the first program's)
 *   find it        open, permission, `#!` lines, ELF headers, interpreter
 *   build it       fs.mmap the loads, zero memory, stack with strings
 *   commit         proc.exec_commit: from here on the old image is gone
 *   go             auxv (credentials are known only now), registers
 *
 * Until the commit an error goes to proc.exec_fail: this image dies, the caller
 * of execve gets the error. Descriptors opened here are CLOEXEC in the table
 * that is shared with the caller: the commit closes them.
 */
#include <string.h>
#include <fs_client.h>
#include <proc_client.h>
#include "args.h"
#include "elf.h"
#include "error.h"
#include "guest.h"
#include "kcall.h"
#include "mm.h"
#include "signal.h"
#include "start.h"

enum { O_CLOEXEC_ = 02000000, O_RDONLY_ = 0, X_OK_ = 1, AT_EACCESS_ = 0x200 };
#define AT_SYMLINK_NOFOLLOW_ 0x100u
#define AT_EMPTY_PATH_       0x1000u
#define BINPRM_BYTES    256         /* of a script's first line                 */
#define HEAD_BYTES      1024        /* read first: usually has the program headers too */
#define MAX_SCRIPTS     5
#define ET_DYN_BASE     0x2aaaaaa000ul
#define STACK_LIMIT_MAX (256ul << 20)
#define STACK_DEFAULT   (8ul << 20)
#define RLIMIT_STACK_   3

enum {
    AT_NULL = 0, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_FLAGS = 8, AT_ENTRY = 9,
    AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_HWCAP = 16, AT_CLKTCK = 17, AT_SECURE = 23,
    AT_RANDOM = 25, AT_EXECFN = 31, AT_SYSINFO_EHDR = 33, AT_MINSIGSTKSZ = 51,
};
#define NR_AUXV 20
/* I, M, A, F, D, C as bits of their letters. */
#define HWCAP (1ul << 8 | 1ul << 12 | 1ul << 0 | 1ul << 5 | 1ul << 3 | 1ul << 2)

static struct {
    /* what every exec uses, together */
    uint8_t seed[FS_PROGRAM_SEED];      /* open_program fills it and head       */
    uint8_t head[HEAD_BYTES];
    uint64_t head_bytes;                /* valid                                */
    struct elf_header header, interp_header;
    struct args args;
    struct fs_stat stat;
    int32_t fd, interp_fd;
    bool keep_fd;                       /* execveat on a descriptor             */
    uint32_t is_first;                  /* init: there is no old image          */
    uint64_t base, interp_base;         /* load biases                          */
    uaddr_t sp, random_at, execfn_at;
    char fd_path[32];
    struct elf_plan plan, interp_plan;
    uint8_t phdrs[ELF_MAX_PHDRS * ELF_PHDR_BYTES];
    char path[4097];                    /* of the caller                        */
    char interpreter[4096];             /* PT_INTERP                            */
    char line[MAX_SCRIPTS][2][BINPRM_BYTES];    /* `#!`: interpreter, argument  */
    char command[65536];                /* --exec                               */
} L __attribute__((aligned(4096)));

static struct rpc_in text_in(const char *s) { return (struct rpc_in){ s, strlen(s) }; }

/* ---- finding it ---- */

static error_t read_at(int32_t fd, uint64_t offset, void *to, uint64_t bytes, uint64_t *done);

/* execveat on a descriptor. */
static error_t use_descriptor(int32_t fd, struct fs_stat *st)
{
    struct rpc_client *fs = fs_client();
    error_t e = fs_accessat(fs, fd, text_in(""), X_OK_, AT_EACCESS_ | AT_EMPTY_PATH_);
    if (!e)
        e = fs_fstat(fs, fd, st);
    if (!e && (st->mode & 0170000) != 0100000)
        e = ERR_ACCESS;
    return e ? e : read_at(fd, 0, L.head, sizeof(L.head), &L.head_bytes);
}

/* Also reads L.head. */
static error_t open_program(int32_t dirfd, const char *path, uint32_t flags, int32_t *fd, struct fs_stat *st)
{
    uint64_t done = 0;
    L.keep_fd = (flags & AT_EMPTY_PATH_) && !*path;
    if (L.keep_fd) {
        *fd = dirfd;
        return use_descriptor(dirfd, st);
    }
    uint32_t opened;
    error_t e = fs_open_program(fs_client(), dirfd, text_in(path), flags & AT_SYMLINK_NOFOLLOW_,
                                (struct rpc_out){ L.seed, sizeof(L.seed) + sizeof(L.head) }, &opened, &done, st);
    if (!e)
        *fd = (int32_t)opened;
    L.head_bytes = done > sizeof(L.seed) ? done - sizeof(L.seed) : 0;
    return e;
}

static error_t read_at(int32_t fd, uint64_t offset, void *to, uint64_t bytes, uint64_t *done)
{
    uint64_t total = 0;
    while (total < bytes) {
        uint64_t n = 0;
        error_t e = fs_pread(fs_client(), fd, offset + total, (struct rpc_out){ (char *)to + total, bytes - total }, &n);
        if (e)
            return e;
        if (!n)
            break;
        total += n;
    }
    *done = total;
    return ERR_OK;
}

/* The program headers of the file whose first `have` bytes are in L.head. */
static error_t read_phdrs(int32_t fd, const struct elf_header *h, uint64_t have)
{
    uint64_t n, bytes = h->nr_phdrs * ELF_PHDR_BYTES;
    if (h->phoff <= have && bytes <= have - h->phoff) {
        memcpy(L.phdrs, L.head + h->phoff, bytes);
        return ERR_OK;
    }
    error_t e = read_at(fd, h->phoff, L.phdrs, bytes, &n);
    return e ? e : n == bytes ? ERR_OK : ERR_NOT_EXECUTABLE;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* "#!interpreter argument": at most one argument, to the end of the line. A line
 * that does not end within the buffer is accepted only if the interpreter's name
 * does. */
static error_t parse_script(const uint8_t *head, uint64_t bytes, char *interpreter, char *argument)
{
    char line[BINPRM_BYTES + 1];
    memcpy(line, head, bytes);
    line[bytes] = 0;
    char *end = memchr(line, '\n', bytes);
    bool whole = end || bytes < BINPRM_BYTES;
    if (!end)
        end = line + bytes;
    while (end > line + 2 && is_blank(end[-1]))
        end--;
    *end = 0;
    char *p = line + 2;
    while (is_blank(*p))
        p++;
    char *name = p;
    while (*p && !is_blank(*p))
        p++;
    if (p == name || (!*p && !whole))
        return ERR_NOT_EXECUTABLE;
    memcpy(interpreter, name, (size_t)(p - name));
    interpreter[p - name] = 0;
    while (is_blank(*p))
        p++;
    strcpy(argument, p);    /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): as long as the line at most */
    return ERR_OK;
}

/* argv becomes: interpreter, [argument], path of the script, then the old argv
 * without its first. */
static void push_script(struct args *a, const char *interpreter, const char *argument, const char *script)
{
    const char *head[3] = { interpreter };
    uint32_t n = 1;
    if (*argument)
        head[n++] = argument;
    head[n++] = script;
    uint32_t old = a->nr_prefix ? a->nr_prefix - 1 : 0;
    memmove(&a->prefix[n], &a->prefix[a->nr_prefix ? 1 : 0], old * sizeof(a->prefix[0]));
    if (!a->nr_prefix)
        a->skip = 1;
    memcpy(a->prefix, head, n * sizeof(head[0]));
    a->nr_prefix = n + old;
}

static error_t open_interpreter(void)
{
    uint64_t n;
    struct fs_stat st;
    error_t e = read_at(L.fd, L.plan.interp_offset, L.interpreter, L.plan.interp_bytes, &n);
    if (e)
        return e;
    if (n != L.plan.interp_bytes || L.interpreter[n - 1])
        return ERR_NOT_EXECUTABLE;
    bool keep = L.keep_fd;
    e = open_program(FS_AT_FDCWD, L.interpreter, 0, &L.interp_fd, &st);
    L.keep_fd = keep;
    if (e)
        return e;
    if (elf_read_header(L.head, L.head_bytes, &L.interp_header))
        return ERR_BAD_LIBRARY;
    if ((e = read_phdrs(L.interp_fd, &L.interp_header, L.head_bytes)))
        return e;
    return elf_make_plan(&L.interp_header, L.phdrs, &L.interp_plan) ? ERR_BAD_LIBRARY : ERR_OK;
}

/* Follow scripts to an ELF file; read its headers and its interpreter's. */
static error_t find_program(int32_t dirfd, uint32_t flags)
{
    const char *path = L.path;
    uint64_t n;
    for (unsigned depth = 0;; depth++) {
        error_t e = open_program(dirfd, path, flags, &L.fd, &L.stat);
        if (e)
            return e;
        n = L.head_bytes;
        if (n < 2 || L.head[0] != '#' || L.head[1] != '!')
            break;
        if (depth == MAX_SCRIPTS)
            return ERR_LOOP;
        char *interpreter = L.line[depth][0], *argument = L.line[depth][1];
        if ((e = parse_script(L.head, n < BINPRM_BYTES ? n : BINPRM_BYTES, interpreter, argument)))
            return e;
        push_script(&L.args, interpreter, argument, L.keep_fd ? L.fd_path : path);
        if (!L.keep_fd)
            fs_close(fs_client(), L.fd);
        L.fd = -1;
        path = interpreter;
        dirfd = FS_AT_FDCWD;
        flags = 0;
    }
    error_t e = elf_read_header(L.head, n, &L.header);
    if (e)
        return e;
    if ((e = read_phdrs(L.fd, &L.header, n)) || (e = elf_make_plan(&L.header, L.phdrs, &L.plan)))
        return e;
    return L.plan.interp_bytes ? open_interpreter() : ERR_OK;
}

/* ---- building it ---- */

static error_t map_loads(const struct elf_plan *plan, int32_t fd, uint64_t base, uint8_t name)
{
    for (uint32_t i = 0; i < plan->nr_loads; i++) {
        const struct elf_load *l = &plan->load[i];
        uaddr_t anonymous = base + l->vaddr;
        error_t e;
        if (l->file_bytes) {
            if ((e = mm_map_file(fd, base + l->vaddr, l->file_bytes, l->prot, l->file_offset, name)))
                return e;
            anonymous = (base + l->zero_at + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
            uint64_t rest = anonymous - (base + l->zero_at);
            if (l->end > l->zero_at && rest && (l->prot & VM_WRITE) && guest_zero(base + l->zero_at, rest))
                return ERR_NOT_EXECUTABLE;
        }
        if (base + l->end > anonymous &&
            (e = mm_map_fixed(anonymous, base + l->end - anonymous, l->prot, name)))
            return e;
    }
    return ERR_OK;
}

static error_t build_image(void)
{
    error_t e;
    uint64_t span = L.plan.high - L.plan.low;
    if (L.header.dynamic) {
        uaddr_t at = L.plan.interp_bytes ? ET_DYN_BASE : mm_find(span);
        if (!at)
            return ERR_NO_MEMORY;
        L.base = at - L.plan.low;
    }
    if ((e = map_loads(&L.plan, L.fd, L.base, NAME_PROGRAM)))
        return e;
    if (L.plan.interp_bytes) {
        if (L.interp_header.dynamic) {
            uaddr_t at = mm_find(L.interp_plan.high - L.interp_plan.low);
            if (!at)
                return ERR_NO_MEMORY;
            L.interp_base = at - L.interp_plan.low;
        }
        if ((e = map_loads(&L.interp_plan, L.interp_fd, L.interp_base, NAME_INTERPRETER)))
            return e;
    }
    /* The heap follows the program, unless that was put among the mappings. */
    uaddr_t brk = L.header.dynamic && !L.plan.interp_bytes ? ET_DYN_BASE : L.base + L.plan.high;
    mm_set_brk(brk);
    vm.about.code_start = L.base + L.plan.code_start;
    vm.about.code_end = L.base + L.plan.code_end;
    return ERR_OK;
}

static error_t reserve_stack(void)
{
    uint64_t limit = this_thread()->ids->rlimit[RLIMIT_STACK_][0];
    uint64_t bytes = limit > STACK_LIMIT_MAX ? STACK_DEFAULT : limit;
    bytes = bytes < 0x40000 ? 0x40000 : (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    mm_set_stack(GUEST_TOP - bytes, GUEST_TOP);
    return mm_map_fixed(GUEST_TOP - bytes, bytes, VM_READ | VM_WRITE | (L.plan.executable_stack ? VM_EXEC : 0), NAME_STACK);
}

/* 16 bytes for AT_RANDOM, the rest is the key of getrandom. */
static void seed(uint8_t out[16])
{
    if (L.keep_fd && !L.plan.interp_bytes) {
        uint32_t fd;
        uint64_t n;
        if (!fs_openat(fs_client(), FS_AT_FDCWD, text_in("/dev/urandom"), O_RDONLY_ | O_CLOEXEC_, 0, &fd)) {
            fs_read(fs_client(), fd, (struct rpc_out){ L.seed, sizeof(L.seed) }, &n);
            fs_close(fs_client(), fd);
        }
    }
    memcpy(out, L.seed, 16);
    random_seed(L.seed + 16);
    memset(L.seed, 0, sizeof(L.seed));
}

/* From the top: 8 zero bytes, the path, environment, arguments, random bytes,
 * then auxv, envp, argv, argc with sp at argc. */
static error_t build_stack(void)
{
    uint8_t random[16];
    uint64_t limit = (vm.stack_top - vm.stack_bottom) / 4;
    error_t e = args_measure(&L.args, limit < 131072 ? 131072 : limit);
    if (e)
        return e;
    const char *execfn = L.keep_fd ? L.fd_path : L.path;
    uint64_t length = strlen(execfn) + 1;
    L.execfn_at = vm.stack_top - 8 - length;
    uaddr_t strings = L.execfn_at - L.args.string_bytes;
    L.random_at = (strings - 16) & ~15ul;
    uint64_t words = 1 + L.args.argc + 1 + L.args.envc + 1 + 2 * NR_AUXV;
    L.sp = (L.random_at - 8 * words) & ~15ul;
    if (L.sp < vm.stack_bottom + 0x8000)
        return ERR_ARGS_TOO_LONG;
    seed(random);
    uaddr_t env_start;
    if (guest_write(L.execfn_at, execfn, length) || guest_write(L.random_at, random, sizeof(random)) ||
        put64(L.sp, L.args.argc))
        return ERR_FAULT;
    if ((e = args_copy(&L.args, strings, L.sp + 8, &env_start)))
        return e;
    vm.about.arg_start = strings;
    vm.about.arg_end = vm.about.env_start = env_start;
    vm.about.env_end = L.execfn_at;
    return ERR_OK;
}

static error_t write_auxv(uint32_t secure)
{
    const struct proc_page *ids = this_thread()->ids;
    uint64_t at = L.sp + 8 * (1 + L.args.argc + 1 + L.args.envc + 1);
    const uint64_t list[][2] = {
        { AT_SYSINFO_EHDR, VDSO_BASE },
        { AT_HWCAP, HWCAP },
        { AT_PAGESZ, PAGE_BYTES },
        { AT_CLKTCK, 100 },
        { AT_PHDR, L.plan.phdr_vaddr ? L.base + L.plan.phdr_vaddr : 0 },
        { AT_PHENT, ELF_PHDR_BYTES },
        { AT_PHNUM, L.header.nr_phdrs },
        { AT_BASE, L.plan.interp_bytes ? L.interp_base + L.interp_plan.low : 0 },
        { AT_FLAGS, 0 },
        { AT_ENTRY, L.base + L.header.entry },
        { AT_UID, ids->ruid },
        { AT_EUID, ids->euid },
        { AT_GID, ids->rgid },
        { AT_EGID, ids->egid },
        { AT_SECURE, secure },
        { AT_RANDOM, L.random_at },
        { AT_EXECFN, L.execfn_at },
        { AT_MINSIGSTKSZ, sizeof(struct linux_sigframe) },
        { AT_NULL, 0 },
    };
    _Static_assert(sizeof(list) / sizeof(list[0]) <= NR_AUXV, "room was left for so many");
    memcpy(vm.about.auxv, list, sizeof(list));
    return guest_write(at, list, sizeof(list));
}

/* ---- the first program ---- */

static const char *const first_env[] = {
    "HOME=/root", "TERM=linux", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/* Its own path, or for --exec /bin/sh -c COMMAND. */
static void first_arguments(void)
{
    uint32_t fd;
    uint64_t n = 0;
    L.args.first_env = first_env;
    L.args.nr_first_env = sizeof(first_env) / sizeof(first_env[0]);
    error_t e = fs_openat(fs_client(), FS_AT_FDCWD, text_in("/run/atoll/command"), O_RDONLY_ | O_CLOEXEC_, 0, &fd);
    if (!e) {
        e = read_at((int32_t)fd, 0, L.command, sizeof(L.command) - 1, &n);
        fs_close(fs_client(), fd);
    }
    if (!e && n) {
        L.command[n] = 0;
        strcpy(L.path, "/bin/sh");
        L.args.prefix[0] = "sh";
        L.args.prefix[1] = "-c";
        L.args.prefix[2] = L.command;
        L.args.nr_prefix = 3;
    } else {
        L.args.prefix[0] = L.path;
        L.args.nr_prefix = 1;
    }
}

/* ---- all of it ---- */

static error_t load(void)
{
    uint32_t flags;
    int32_t dirfd;
    uint64_t n = 0;
    error_t e = proc_exec_info(proc_client(), &dirfd, &L.args.argv, &L.args.envp, &flags, &L.is_first);
    if (!e)
        e = proc_exec_path(proc_client(), (struct rpc_out){ L.path, sizeof(L.path) - 1 }, &n);
    if (e)
        return e;
    L.path[n < sizeof(L.path) ? n : 0] = 0;
    if (L.is_first)
        first_arguments();
    char *p = L.fd_path;
    memcpy(p, "/dev/fd/", 8);   /* NOLINT(bugprone-not-null-terminated-result): the number comes behind it */
    p += 8;
    char digits[12];
    unsigned nr = 0;
    for (uint32_t v = (uint32_t)dirfd; nr == 0 || v; v /= 10)
        digits[nr++] = (char)('0' + v % 10);
    while (nr)
        *p++ = digits[--nr];
    if ((e = find_program(dirfd, flags)) || (e = reserve_stack()) || (e = build_image()))
        return e;
    return build_stack();
}

static const char *base_name(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '/')
            name = p + 1;
    return name;
}

static void close_own(void)
{
    if (L.fd >= 0 && !L.keep_fd)
        fs_close(fs_client(), L.fd);
    if (L.interp_fd >= 0)
        fs_close(fs_client(), L.interp_fd);
}

static void enter(struct thread *t)
{
    uint64_t *x = t->frame.guest.x;
    memset(x, 0, sizeof(t->frame.guest.x));
    x[0] = L.plan.interp_bytes ? L.interp_base + L.interp_header.entry : L.base + L.header.entry;
    x[2] = L.sp;
}

static void give_up(error_t e)
{
    close_own();
    proc_exec_fail(proc_client(), e);
    for (;;)
        thread_sleep(DEADLINE_NONE);
}

void loader_main(struct thread *t)
{
    uint32_t secure = 0;
    L.fd = L.interp_fd = -1;
    mm_init();
    error_t e = load();
    if (e)
        give_up(e);
    /* start_arg: the caller's mask and what it ignored, from proc. */
    dispositions_reset(t->process->hand, t->frame.start_arg[3]);
    publish_dispositions(t->process->hand);
    set_blocked(t, t->frame.start_arg[2]);
    /* The commit closes CLOEXEC descriptors; the first program has none before. */
    if (L.is_first)
        close_own();

    char comm[16] = { 0 };
    strncpy(comm, base_name(L.keep_fd ? L.fd_path : L.path), sizeof(comm) - 1);
    e = proc_exec_commit(proc_client(), L.stat.mode, L.stat.uid, L.stat.gid,
                         (struct rpc_in){ comm, sizeof(comm) }, &secure);
    if (e)
        give_up(e);
    if (write_auxv(secure))
        die(SIGKILL, L.sp, 0);
    vm.reserved_bytes = region_total(&vm.regions);
    struct sig_page *s = t->process->sig;
    s->arg_start = vm.about.arg_start;
    s->arg_end = vm.about.arg_end;
    s->env_start = vm.about.env_start;
    s->env_end = vm.about.env_end;
    s->code_start = vm.about.code_start;
    s->code_end = vm.about.code_end;
    memcpy(s->auxv, vm.about.auxv, sizeof(s->auxv));
    mm_publish_maps();
    enter(t);
}
