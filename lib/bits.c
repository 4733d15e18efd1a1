/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls for __builtin_ctzl and its like on a machine without
 * bit instructions, when libgcc (built for another ABI) is not linked.
 */
#if defined(__riscv)

/* NOLINTBEGIN(bugprone-reserved-identifier): the compiler chose these names */
int __ctzdi2(unsigned long v);
int __clzdi2(unsigned long v);
int __popcountdi2(unsigned long v);
/* NOLINTEND(bugprone-reserved-identifier) */

/* Undefined for 0, as the builtin is. */
int __ctzdi2(unsigned long v)
{
    static const unsigned char place[64] = {
        0, 1, 2, 53, 3, 7, 54, 27, 4, 38, 41, 8, 34, 55, 48, 28, 62, 5, 39, 46, 44, 42, 22, 9, 24, 35, 59, 56, 49, 18, 29,
        11, 63, 52, 6, 26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15,
        30, 14, 13, 12,
    };
    /* The isolated low bit, multiplied by a de Bruijn sequence. */
    return place[((v & -v) * 0x022fdd63cc95386dul) >> 58];
}

int __clzdi2(unsigned long v)
{
    static const unsigned char leading[16] = { 4, 3, 2, 2, 1, 1, 1, 1 };
    int n = 0;
    if (!(v >> 32))
        n += 32, v <<= 32;
    if (!(v >> 48))
        n += 16, v <<= 16;
    if (!(v >> 56))
        n += 8, v <<= 8;
    if (!(v >> 60))
        n += 4, v <<= 4;
    return n + leading[v >> 60];
}

int __popcountdi2(unsigned long v)
{
    v -= v >> 1 & 0x5555555555555555ul;
    v = (v & 0x3333333333333333ul) + (v >> 2 & 0x3333333333333333ul);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0ful;
    return (int)(v * 0x0101010101010101ul >> 56);
}

#endif
