/* What a compiler makes of loops over arrays: SSE2 integers. */
#include "guest.h"

static int a[1024], b[1024], c[1024];
static u8 p[4096], q[4096];

static KEEP int dot(void)
{
    int sum = 0;
    for (int i = 0; i < 1024; i++)
        sum += a[i] & b[i];
    return sum;
}

static KEEP void blend(int factor)
{
    for (int i = 0; i < 1024; i++)
        c[i] = (a[i] << 2) + (b[i] >> 1) - (a[i] > b[i] ? factor : c[i]);
}

static KEEP void bytes(void)
{
    for (int i = 0; i < 4096; i++)
        p[i] = (u8)((p[i] + q[i] + 1) / 2);
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    seed = 6;
    for (int i = 0; i < 1024; i++)
        a[i] = (int)next(), b[i] = (int)next(), c[i] = 0;
    for (int i = 0; i < 4096; i++)
        p[i] = (u8)next(), q[i] = (u8)(i * 5);
    for (int i = 0; i < 20; i++)
    {
        blend(i);
        bytes();
        sum = sum * 3 + (u32)dot() + (u32)c[i * 7] + p[i * 11];
    }
    return sum;
}
