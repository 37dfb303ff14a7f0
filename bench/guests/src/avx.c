/* Loops over arrays of doubles and integers in YMM registers (AVX2). */
#include "guest.h"

static double x[1024], y[1024], z[1024];
static int a[1024], b[1024];

static KEEP void triad(double factor)
{
    for (int i = 0; i < 1024; i++)
        z[i] = x[i] * factor + y[i];
}

static KEEP void integers(void)
{
    for (int i = 0; i < 1024; i++)
        a[i] = (a[i] ^ b[i]) + (b[i] << 3);
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    for (int i = 0; i < 1024; i++)
        x[i] = i, y[i] = 1024 - i, a[i] = i * 77, b[i] = i ^ 0x5555;
    for (int i = 0; i < 30; i++)
    {
        triad(0.5 + i);
        integers();
        sum = sum * 3 + (u32)(int)z[i * 9] + (u32)a[i * 5];
    }
    return sum;
}
