/* SPDX-License-Identifier: MIT */
/* The bit-counting helper that the compiler calls for the base ISA; the kernel is
 * linked without the compiler's library. */

/* NOLINTBEGIN(bugprone-reserved-identifier): the compiler chose these names */
int __ctzdi2(unsigned long v);
/* NOLINTEND(bugprone-reserved-identifier) */

int __ctzdi2(unsigned long v)
{
    int n = 0;

    if ((v & 0xffffffff) == 0) n += 32, v >>= 32;
    if ((v & 0xffff) == 0) n += 16, v >>= 16;
    if ((v & 0xff) == 0) n += 8, v >>= 8;
    if ((v & 0xf) == 0) n += 4, v >>= 4;
    if ((v & 0x3) == 0) n += 2, v >>= 2;
    return n + (int)(~v & 1);
}
