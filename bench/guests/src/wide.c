/* Arithmetic in words of twice the machine's width. */
#include "guest.h"

#ifdef __x86_64__
typedef unsigned __int128 big;
typedef u64 word;
#else
typedef u64 big;
typedef u32 word;
#endif

#define BITS (8 * sizeof(word))

static big numbers[64];
static word left[16], right[16], product[32];

static KEEP big mix(big a, big b)
{
    a += b;
    b -= a << 3;
    a ^= b >> 11;
    return a < b ? b - a : a * 3 + (b ^ a);
}

static KEEP void multiply(void)
{
    for (int i = 0; i < 32; i++)
        product[i] = 0;
    for (int i = 0; i < 16; i++)
    {
        word carry = 0;
        for (int j = 0; j < 16; j++)
        {
            big t = (big)left[i] * right[j] + product[i + j] + carry;
            product[i + j] = (word)t;
            carry = (word)(t >> BITS);
        }
        product[i + 16] = carry;
    }
}

u32 iteration(u32 number)
{
    big sum = 1;
    seed = 5;
    for (int i = 0; i < 64; i++)
        numbers[i] = (big)next() << (BITS - 5) | next();
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < 64; j++)
            sum = numbers[j] = mix(sum, numbers[j]);
    for (int i = 0; i < 16; i++)
    {
        left[i] = (word)numbers[i];
        right[i] = (word)(numbers[i + 16] >> 7);
    }
    for (int i = 0; i < 60; i++)
    {
        multiply();
        left[i & 15] ^= product[i & 31];
    }
    return (u32)(sum ^ sum >> BITS) ^ (u32)product[7] ^ (u32)product[30];
}
