/* Recursion with many arguments. */
#include "guest.h"

static KEEP int many(int a, int b, int c, int d, int e, int f, int g, int h)
{
    if (a <= 0)
        return b + c - d + e - f + g - h;
    return many(a - 1, c, d, e, f, g, h, b + a) + many(a - 2, h, g, f, e, d, c, b - a);
}

static KEEP int tak(int x, int y, int z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

u32 iteration(u32 number)
{
    return (u32)many(17, 1, 2, 3, 4, 5, 6, 7) + (u32)tak(14, 9, 4);
}
