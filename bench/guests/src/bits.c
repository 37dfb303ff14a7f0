/* Shifts, rotates, masks, multiplications and divisions. */
#include "guest.h"

static KEEP u32 mix(u32 a, u32 b)
{
    a ^= a << 13;
    a ^= a >> 17;
    a ^= a << 5;
    b = (b << 7 | b >> 25) + a;
    b ^= b >> (a & 31);
    return (a << (b & 31) | a >> (-b & 31)) ^ b;
}

static KEEP u32 reverse(u32 x)
{
    x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    x = (x >> 4 & 0x0F0F0F0F) | (x & 0x0F0F0F0F) << 4;
    return __builtin_bswap32(x);
}

static KEEP u32 ones(u32 x)
{
    u32 n = 0;
    for (; x; x &= x - 1)
        n++;
    return n;
}

static KEEP u32 divisor(u32 a, u32 b)
{
    while (b)
    {
        u32 t = a % b;
        a = b;
        b = t;
    }
    return a;
}

u32 iteration(u32 number)
{
    u32 a = 0x12345678, b = 0x9ABCDEF1;
    for (int i = 0; i < 4000; i++)
    {
        a = mix(a, b);
        b += reverse(a) ^ ones(b) * 3;
        if ((i & 3) == 0)
            b += divisor(a | 1, b) + (u32)((int)a / 7);
    }
    return a ^ b;
}
