/* Calls through tables of functions. */
#include "guest.h"

struct shape;

struct methods
{
    u32 (*area)(const struct shape *);
    u32 (*edge)(const struct shape *);
    void (*grow)(struct shape *, u32);
};

struct shape
{
    const struct methods *methods;
    u32 a, b;
};

static u32 square_area(const struct shape *s) { return s->a * s->a; }
static u32 square_edge(const struct shape *s) { return 4 * s->a; }
static void square_grow(struct shape *s, u32 by) { s->a += by; }
static u32 rectangle_area(const struct shape *s) { return s->a * s->b; }
static u32 rectangle_edge(const struct shape *s) { return 2 * (s->a + s->b); }
static void rectangle_grow(struct shape *s, u32 by) { s->a += by; s->b ^= by; }
static u32 circle_area(const struct shape *s) { return s->a * s->a * 355 / 113; }
static u32 circle_edge(const struct shape *s) { return s->a * 710 / 113; }
static void circle_grow(struct shape *s, u32 by) { s->a = (s->a << 1 | s->a >> 31) + by; }

static const struct methods kinds[] = {
    { square_area, square_edge, square_grow },
    { rectangle_area, rectangle_edge, rectangle_grow },
    { circle_area, circle_edge, circle_grow },
};

static struct shape shapes[512];

static KEEP u32 total(void)
{
    u32 sum = 0;
    for (int i = 0; i < 512; i++)
    {
        struct shape *s = &shapes[i];
        sum += s->methods->area(s) ^ s->methods->edge(s);
        s->methods->grow(s, sum & 7);
    }
    return sum;
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    seed = 4;
    for (int i = 0; i < 512; i++)
    {
        u32 kind = next() % 3;
        shapes[i] = (struct shape){ &kinds[kind], next() & 255, next() & 255 };
    }
    for (int i = 0; i < 40; i++)
        sum = sum * 9 + total();
    return sum;
}
