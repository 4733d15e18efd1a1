/* SPDX-License-Identifier: MIT */
/*
 * The system's random numbers: ChaCha20 (RFC 8439) in counter mode with fast
 * key erasure: each refill makes the next key first. Entropy is mixed in by
 * hashing it into the key; see random.c for the sources.
 */
#ifndef FS_RANDOM_H
#define FS_RANDOM_H

#include <stddef.h>

void random_init(const char *command_line);
void random_mix(const void *entropy, size_t bytes);
void random_bytes(void *to, size_t bytes);
/* The block function, for its test vectors. */
void chacha20_block(const unsigned key[8], unsigned counter, const unsigned nonce[3], unsigned char out[64]);

#endif
