/* SPDX-License-Identifier: MIT */
/*
 * getrandom: a ChaCha20 stream (RFC 8439, 2.3) in the process, keyed from fs's
 * /dev/urandom, with the key replaced after each use so that a later look at
 * memory does not tell earlier output. A fork child, which has the same key,
 * fetches a new one first; exec starts without one.
 */
#include <fs_client.h>
#include <string.h>
#include "error.h"
#include "guest.h"
#include "start.h"

static uint32_t rotate(uint32_t v, unsigned n) { return v << n | v >> (32 - n); }

static void quarter(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b]; s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d]; s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b]; s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d]; s[b] = rotate(s[b] ^ s[c], 7);
}

static void block(const uint32_t key[8], uint64_t counter, uint32_t out[16])
{
    uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    memcpy(&start[4], key, 32);
    start[12] = (uint32_t)counter;
    start[13] = (uint32_t)(counter >> 32);
    start[14] = start[15] = 0;
    memcpy(out, start, sizeof(start));
    for (unsigned round = 0; round < 10; round++) {
        quarter(out, 0, 4, 8, 12);
        quarter(out, 1, 5, 9, 13);
        quarter(out, 2, 6, 10, 14);
        quarter(out, 3, 7, 11, 15);
        quarter(out, 0, 5, 10, 15);
        quarter(out, 1, 6, 11, 12);
        quarter(out, 2, 7, 8, 13);
        quarter(out, 3, 4, 9, 14);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] += start[i];
}

void random_after_fork(void)
{
    lock_reset(&vm.random_lock);
    vm.random_pid = 0;
}

/* 32 bytes that nobody else knows, at the start of a program. */
void random_seed(const uint8_t *key)
{
    memcpy(vm.random_key, key, sizeof(vm.random_key));
    vm.random_counter = 0;
    vm.random_pid = this_thread()->ids->pid;
}

static error_t rekey(void)
{
    uint32_t fd;
    uint64_t n = 0;
    uint32_t key[8];
    error_t e = fs_openat(fs_client(), FS_AT_FDCWD, (struct rpc_in){ "/dev/urandom", 12 }, 02000000, 0, &fd);
    if (e)
        return e;
    e = fs_read(fs_client(), fd, (struct rpc_out){ key, sizeof(key) }, &n);
    fs_close(fs_client(), fd);
    if (e || n != sizeof(key))
        return e ? e : ERR_IO;
    for (unsigned i = 0; i < 8; i++)
        vm.random_key[i] ^= key[i];
    vm.random_counter = 0;
    vm.random_pid = this_thread()->ids->pid;
    return ERR_OK;
}

/* The request may be large: the lock is given up between blocks. */
long sys_getrandom(uint64_t to, uint64_t bytes, uint64_t flags);
long sys_getrandom(uint64_t to, uint64_t bytes, uint64_t flags)
{
    uint32_t out[16], next[16];
    if ((flags & ~7ul) || (flags & 6) == 6)
        return -EINVAL;
    if (bytes > 0x1ffffff)
        bytes = 0x1ffffff;
    for (uint64_t done = 0; done < bytes;) {
        uint64_t part = bytes - done < sizeof(out) ? bytes - done : sizeof(out);
        lock_take(&vm.random_lock);
        error_t e = vm.random_pid == this_thread()->ids->pid ? ERR_OK : rekey();
        if (e) {
            lock_give(&vm.random_lock);
            return linux_error(e);
        }
        block(vm.random_key, vm.random_counter++, out);
        if (bytes <= 32) {          /* the other half is the next key */
            memcpy(vm.random_key, out + 8, sizeof(vm.random_key));
        } else if (done + part == bytes) {
            block(vm.random_key, vm.random_counter++, next);
            memcpy(vm.random_key, next, sizeof(vm.random_key));
        }
        lock_give(&vm.random_lock);
        if (copy_to_guest(to + done, out, part))
            return done ? (long)done : -EFAULT;
        done += part;
    }
    return (long)bytes;
}
