/* SPDX-License-Identifier: MIT */
/*
 * What runs before a server's server_main: console output and heap.
 * server_main is weak because programs that are no servers link libipc too.
 */
#include <libipc/syscall.h>
#include <libipc/system.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__riscv)
_Static_assert(SRV_STACK_TOP == 0x30000000, "crt0.S");

void server_main(const struct server_info *) __attribute__((weak));
void server_start(const struct server_info *) __attribute__((noreturn));

static void write_console(const char *text, size_t bytes)
{
    sys_debug_write(SRV_CAP_PLATFORM, text, bytes);
}

void server_start(const struct server_info *info)
{
    stdio_set_writer(write_console);
    stdio_set_name(info->name);
    heap_init((void *)SRV_HEAP, SRV_HEAP_BYTES);
    if (server_main != NULL)
        server_main(info);
    panic("server_main returned");
}
#endif
