/* Five bodies, SSE2 scalar doubles with square roots and divisions. */
#include "guest.h"

struct body
{
    double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[5];

static inline double root(double x)
{
    __asm__("sqrtsd %0, %0" : "+x"(x));
    return x;
}

static KEEP void advance(double step)
{
    for (int i = 0; i < 5; i++)
    {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < 5; j++)
        {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz, factor = step / (square * root(square));
            a->vx -= dx * b->mass * factor;
            a->vy -= dy * b->mass * factor;
            a->vz -= dz * b->mass * factor;
            b->vx += dx * a->mass * factor;
            b->vy += dy * a->mass * factor;
            b->vz += dz * a->mass * factor;
        }
    }
    for (int i = 0; i < 5; i++)
    {
        bodies[i].x += step * bodies[i].vx;
        bodies[i].y += step * bodies[i].vy;
        bodies[i].z += step * bodies[i].vz;
    }
}

u32 iteration(u32 number)
{
    for (int i = 0; i < 5; i++)
        bodies[i] = (struct body){ i * 5.0, 1.0 - i, i * i * 0.25, 0.1 * i, 0.6 - 0.1 * i, 0.02 * i, i ? 0.04 : 39.5 };
    for (int i = 0; i < 400; i++)
        advance(0.01);
    union { double number; u32 halves[2]; } sum = { bodies[0].x + bodies[3].y };
    return sum.halves[0] ^ sum.halves[1];
}
