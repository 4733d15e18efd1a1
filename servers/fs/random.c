/* SPDX-License-Identifier: MIT */
/*
 * Random numbers. The block function is ChaCha20 of RFC 8439, section 2.3.
 *
 * State is one key. random_bytes makes blocks of keystream; the first 32 bytes
 * of the first replace the key, so what was given out cannot be computed from
 * a later state. Mixing: the key becomes the first half of the block made from
 * key xor input chunk, so that every input bit reaches every key bit.
 *
 * Sources: the time of many events within the machine (jitter of the time
 * counter around work of uncertain length), a seed on the boot command line
 * ("rng-seed=HEX", which the supervisor copies from the device tree), and what
 * programs write to /dev/random. docs/fs.md tells what that is worth.
 */
#include "random.h"

#include <stdint.h>
#include <string.h>

#include <libipc/executor.h>

static uint32_t key[8];

/* Small requests share blocks: what is given out is wiped, what is left is as
 * secret as the key, and fresh entropy throws it away. */
#define STOCK_BYTES 480u            /* with the next key: 8 blocks              */
#define SMALL_BYTES 64u
static unsigned char stock[STOCK_BYTES];
static size_t stock_left;

static inline uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static inline void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotl(*d ^ *a, 16);
    *c += *d, *b = rotl(*b ^ *c, 12);
    *a += *b, *d = rotl(*d ^ *a, 8);
    *c += *d, *b = rotl(*b ^ *c, 7);
}

void chacha20_block(const unsigned k[8], unsigned counter, const unsigned nonce[3], unsigned char out[64])
{
    uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, k[0], k[1], k[2], k[3],
                        k[4], k[5], k[6], k[7], counter, nonce[0], nonce[1], nonce[2] }, x[16];

    memcpy(x, in, sizeof x);
    for (int i = 0; i < 10; i++) {
        quarter(&x[0], &x[4], &x[8], &x[12]);
        quarter(&x[1], &x[5], &x[9], &x[13]);
        quarter(&x[2], &x[6], &x[10], &x[14]);
        quarter(&x[3], &x[7], &x[11], &x[15]);
        quarter(&x[0], &x[5], &x[10], &x[15]);
        quarter(&x[1], &x[6], &x[11], &x[12]);
        quarter(&x[2], &x[7], &x[8], &x[13]);
        quarter(&x[3], &x[4], &x[9], &x[14]);
    }
    for (int i = 0; i < 16; i++) {
        uint32_t v = x[i] + in[i];

        out[i * 4] = (unsigned char)v;
        out[i * 4 + 1] = (unsigned char)(v >> 8);
        out[i * 4 + 2] = (unsigned char)(v >> 16);
        out[i * 4 + 3] = (unsigned char)(v >> 24);
    }
}

void random_mix(const void *entropy, size_t bytes)
{
    static const unsigned nonce[3] = { 1, 0, 0 };
    const unsigned char *from = entropy;
    unsigned char block[64], chunk[32];

    stock_left = 0;
    while (bytes) {
        size_t n = bytes < sizeof chunk ? bytes : sizeof chunk;

        memcpy(chunk, key, sizeof chunk);
        for (size_t i = 0; i < n; i++)
            chunk[i] ^= from[i];
        memcpy(key, chunk, sizeof key);
        chacha20_block(key, (unsigned)n, nonce, block);
        memcpy(key, block, sizeof key);
        from += n;
        bytes -= n;
    }
    memset(block, 0, sizeof block);
}

static void make_bytes(void *to, size_t bytes)
{
    static const unsigned nonce[3];
    uint32_t stream_key[8];
    unsigned char block[64], *out = to;
    unsigned counter = 0;
    size_t at = 32;

    memcpy(stream_key, key, sizeof stream_key);
    chacha20_block(stream_key, counter++, nonce, block);
    memcpy(key, block, sizeof key);
    while (bytes) {
        size_t n = sizeof block - at < bytes ? sizeof block - at : bytes;

        memcpy(out, block + at, n);
        out += n;
        bytes -= n;
        at = 0;
        if (bytes)
            chacha20_block(stream_key, counter++, nonce, block);
    }
    memset(stream_key, 0, sizeof stream_key);
    memset(block, 0, sizeof block);
}

void random_bytes(void *to, size_t bytes)
{
    if (bytes > SMALL_BYTES) {
        make_bytes(to, bytes);
        return;
    }
    if (stock_left < bytes) {
        make_bytes(stock, sizeof stock);
        stock_left = sizeof stock;
    }
    stock_left -= bytes;
    memcpy(to, stock + stock_left, bytes);
    memset(stock + stock_left, 0, bytes);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

void random_init(const char *command_line)
{
    const char *seed = strstr(command_line, "rng-seed=");
    volatile uint32_t work = 1;

    for (int i = 0; i < 256; i++) {
        uint64_t now = exec_now();

        for (uint32_t k = 0; k < 16 + (uint32_t)(now & 31); k++)
            work = work * 1664525u + (uint32_t)(uintptr_t)&work;
        now ^= exec_now() << 20;
        random_mix(&now, sizeof now);
    }
    random_mix(command_line, strlen(command_line));
    for (seed = seed ? seed + 9 : ""; seed[0] && hex_digit(seed[0]) >= 0 && hex_digit(seed[1]) >= 0; seed += 2) {
        unsigned char byte = (unsigned char)(hex_digit(seed[0]) << 4 | hex_digit(seed[1]));

        random_mix(&byte, 1);
    }
}
