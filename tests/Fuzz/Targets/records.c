// A parser of records with a bug behind three gates, as a target for afl-fuzz: a magic number, records of type, length and colon, and three
// records of one kind in a row, the third of which writes where its data says. Flat and without an operating system:
//
//     gcc -O1 -static -nostdlib -fno-pic -fno-stack-protector -Wl,-Ttext=0x400000,--oformat=binary -o records.bin records.c
#include <stddef.h>
#include <stdint.h>

static int handle(const uint8_t *data, size_t length, int in_a_row)
{
    if (in_a_row == 3 && length >= 4)
    {
        *(volatile uint32_t *)(uintptr_t)(data[0] | data[1] << 8 | data[2] << 16) = 1;
    }
    return in_a_row;
}

__attribute__((section(".text.start"))) int parse(const uint8_t *data, size_t length)
{
    if (length < 4 || data[0] != 'R' || data[1] != 'E' || data[2] != 'C' || data[3] != '1')
    {
        return -1;
    }
    int in_a_row = 0, last = -1, result = 0;
    for (size_t at = 4; at + 3 <= length;)
    {
        size_t size = data[at + 1];
        if (data[at + 2] != ':' || at + 3 + size > length)
        {
            return -2;
        }
        in_a_row = data[at] == last ? in_a_row + 1 : 1;
        last = data[at];
        if (last == 'W')
        {
            result += handle(data + at + 3, size, in_a_row);
        }
        at += 3 + size;
    }
    return result;
}
