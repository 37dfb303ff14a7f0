/* A hash table with chains: 8 192 entries put in and looked for. */
#include "guest.h"

struct entry
{
    struct entry *next;
    u32 key, value;
};

static struct entry *buckets[2048], entries[8192];

static KEEP struct entry *find(u32 key)
{
    struct entry *e = buckets[key * 2654435761u >> 21];
    while (e && e->key != key)
        e = e->next;
    return e;
}

static KEEP void put(struct entry *e, u32 key, u32 value)
{
    struct entry **bucket = &buckets[key * 2654435761u >> 21];
    e->key = key;
    e->value = value;
    e->next = *bucket;
    *bucket = e;
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    seed = 2;
    for (int i = 0; i < 2048; i++)
        buckets[i] = 0;
    for (u32 i = 0; i < 8192; i++)
        put(&entries[i], next() & 0xFFFF, i);
    for (int i = 0; i < 32768; i++)
    {
        struct entry *e = find(next() & 0xFFFF);
        sum = sum * 3 + (e ? e->value : 1);
    }
    return sum;
}
