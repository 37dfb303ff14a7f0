/* Compresses and expands 8 KiB with matches of a hash chain. */
#include "guest.h"

static u8 plain[8192], packed[16384], again[8192];
static u16 heads[1024];

static KEEP u32 pack(const u8 *from, u32 size, u8 *to)
{
    u32 at = 0, out = 0;
    for (int i = 0; i < 1024; i++)
        heads[i] = 0xFFFF;
    while (at + 3 < size)
    {
        u32 hash = (from[at] * 33u * 33u + from[at + 1] * 33u + from[at + 2]) & 1023, candidate = heads[hash], length = 0;
        heads[hash] = (u16)at;
        if (candidate != 0xFFFF)
            while (length < 127 && at + length < size && from[candidate + length] == from[at + length])
                length++;
        if (length > 3)
        {
            to[out++] = (u8)(128 + length);
            to[out++] = (u8)candidate;
            to[out++] = (u8)(candidate >> 8);
            at += length;
        }
        else
        {
            to[out++] = from[at++] & 127;
        }
    }
    return out;
}

static KEEP u32 expand(const u8 *from, u32 size, u8 *to)
{
    u32 out = 0;
    for (u32 i = 0; i < size;)
    {
        u8 c = from[i++];
        if (c < 128)
        {
            to[out++] = c;
            continue;
        }
        u32 source = from[i] | from[i + 1] << 8;
        i += 2;
        for (u32 n = c - 128u; n; n--)
            to[out++] = to[source++];
    }
    return out;
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    seed = 7;
    for (u32 i = 0; i < sizeof plain; i++)
        plain[i] = i > 64 && next() % 8 ? plain[i - 1 - next() % 3 * 20] : (u8)(next() & 31);
    u32 size = pack(plain, sizeof plain, packed), length = expand(packed, size, again);
    for (u32 i = 0; i < length; i++)
        sum = sum * 31 + again[i];
    return sum ^ size;
}
