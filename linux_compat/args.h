/* SPDX-License-Identifier: MIT */
/* Arguments and environment of a new program: see args.c. */
#ifndef COMPAT_ARGS_H
#define COMPAT_ARGS_H

#include <atoll/errors.h>
#include <atoll/types.h>

#define ARGS_MAX_PREFIX 16

/* argv = prefix[0..nr_prefix), then the source's argv from index `skip` on. */
struct args {
    const char *prefix[ARGS_MAX_PREFIX];
    uint32_t nr_prefix;
    uint32_t skip;
    uaddr_t  argv, envp;            /* arrays in the old image; 0: none         */
    const char *const *first_env;   /* instead of envp: the first program's     */
    uint32_t nr_first_env;
    /* args_measure's result */
    uint64_t argc, envc;
    uint64_t string_bytes;
};

/* Count and measure, reading from GUEST_CAP_EXEC_SOURCE. ERR_FAULT, ERR_ARGS_TOO_LONG. */
error_t args_measure(struct args *, uint64_t limit_bytes);
/* Write the strings from `strings` on and the pointers (argv, NULL, envp, NULL)
 * from `pointers` on, both in own guest memory. *env_start: first byte of the
 * environment's strings. The source may have changed: then ERR_ARGS_TOO_LONG. */
error_t args_copy(const struct args *, uaddr_t strings, uaddr_t pointers, uaddr_t *env_start);

#endif
