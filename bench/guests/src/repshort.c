/* REP MOVSB of 16 bytes, four instructions for each copy. */
#include "guest.h"

static u8 from[64], to[64];

u32 iteration(u32 number)
{
    from[0] = (u8)number;
    for (u32 i = 0; i < 50000; i++)
    {
        void *source = from, *destination = to;
        __SIZE_TYPE__ count = 16;
        __asm__ volatile("rep movsb" : "+S"(source), "+D"(destination), "+c"(count) : : "memory");
    }
    return to[0];
}
