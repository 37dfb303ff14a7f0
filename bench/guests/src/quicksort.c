/* Quicksort of 4 096 words. */
#include "guest.h"

static u32 words[4096];

static KEEP void sort(u32 *low, u32 *high)
{
    while (low < high)
    {
        u32 pivot = low[(high - low) / 2], *i = low, *j = high;
        while (i <= j)
        {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j)
            {
                u32 word = *i;
                *i++ = *j;
                *j-- = word;
            }
        }
        sort(low, j);
        low = i;
    }
}

u32 iteration(u32 number)
{
    u32 sum = 0;
    seed = 1;
    for (int i = 0; i < 4096; i++)
        words[i] = next();
    sort(words, words + 4095);
    for (int i = 0; i < 4096; i++)
        sum = sum * 31 + words[i];
    return sum;
}
