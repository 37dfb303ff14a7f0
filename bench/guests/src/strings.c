/* Words: lengths, comparisons, searches and copies, byte by byte. */
#include "guest.h"

static char text[1 << 14];
static u16 starts[2048];

static KEEP u32 length(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (u32)(p - s);
}

static KEEP int compare(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *(const u8 *)a - *(const u8 *)b;
}

static KEEP const char *search(const char *s, char c)
{
    for (; *s; s++)
        if (*s == c)
            return s;
    return 0;
}

static KEEP void upper(char *to, const char *s)
{
    while ((*to = *s++))
    {
        if (*to >= 'a' && *to <= 'z')
            *to -= 32;
        to++;
    }
}

u32 iteration(u32 number)
{
    u32 sum = 0, at = 0, count = 0;
    char buffer[32];
    seed = 3;
    while (at < sizeof text - 32)
    {
        starts[count++] = (u16)at;
        for (u32 n = next() % 16 + 1; n; n--)
            text[at++] = "aaaabcdefghijklmnopqrstuvwxyz"[next() % 29];
        text[at++] = 0;
    }
    for (u32 i = 0; i + 1 < count; i++)
    {
        const char *word = text + starts[i];
        sum = sum * 7 + length(word) + (u32)compare(word, text + starts[i + 1]);
        for (char c = 'a'; c < 'e'; c++)
            sum += search(word, c) != 0;
        upper(buffer, word);
        sum += (u8)buffer[0] + (u32)compare(buffer, word);
    }
    return sum;
}
