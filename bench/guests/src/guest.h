/* What the guests in C share. A guest defines `iteration`; its checksum is the sum of what that returns, mixed. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define KEEP __attribute__((noinline))

u32 iteration(u32 number);

/* The iteration count is in xDI, in 32-bit code too. */
#ifdef __x86_64__
__asm__(".section .start,\"ax\"\npush %rbp\nmov %rsp, %rbp\nand $-16, %rsp\ncall run\nleave\nret\n.text");
#else
__asm__(".section .start,\"ax\"\npush %ebp\nmov %esp, %ebp\nand $-16, %esp\nsub $12, %esp\npush %edi\ncall run\nleave\nret\n.text");
#endif

u32 run(u32 count)
{
    u32 sum = 0;
    for (u32 i = 0; i < count; i++)
        sum = (sum << 5 | sum >> 27) + iteration(i);
    return sum;
}

/* A generator of numbers that starts anew in each iteration. */
static u32 seed;

static inline u32 next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* The compiler asks for these by itself. */
void *memset(void *to, int value, __SIZE_TYPE__ size)
{
    u8 *p = to;
    while (size--)
        *p++ = (u8)value;
    return to;
}

void *memcpy(void *to, const void *from, __SIZE_TYPE__ size)
{
    u8 *p = to;
    const u8 *q = from;
    while (size--)
        *p++ = *q++;
    return to;
}
