/* The set of Mandelbrot on the x87 stack. */
#include "guest.h"

static KEEP u32 escape(double re, double im)
{
    double x = 0, y = 0;
    u32 n = 0;
    while (n < 100 && x * x + y * y < 4)
    {
        double t = x * x - y * y + re;
        y = 2 * x * y + im;
        x = t;
        n++;
    }
    return n;
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < 40; j++)
            sum = sum * 5 + escape(-2 + j * 0.075, -1.5 + i * 0.075);
    return sum;
}
