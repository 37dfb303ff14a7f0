// A program as Debian's compiler builds it, with a bug behind three gates: a magic number, records of type, length and colon, and three records of
// one kind in a row, the third of which writes where its data says. Reads standard input, or the file that is its argument.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state
{
    int in_a_row, last;
    unsigned long sum;
};

static void handle(struct state *s, const unsigned char *data, size_t length)
{
    if (s->in_a_row == 3 && length >= 4)
    {
        *(volatile int *)(unsigned long)(data[0] | data[1] << 8 | data[2] << 16) = 1;
    }
    for (size_t i = 0; i < length; i++)
    {
        s->sum = s->sum * 31 + data[i];
    }
}

int main(int argc, char **argv)
{
    static unsigned char data[1 << 16];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : stdin;
    if (!file)
    {
        perror(argv[1]);
        return 1;
    }
    size_t length = fread(data, 1, sizeof data, file);
    if (length < 4 || memcmp(data, "REC1", 2) != 0 || data[2] != 'C' || data[3] != '1')
    {
        fputs("no records\n", stderr);
        return 1;
    }
    struct state s = { 0, -1, 0 };
    int count = 0;
    for (size_t at = 4; at + 3 <= length; count++)
    {
        size_t size = data[at + 1];
        if (data[at + 2] != ':' || at + 3 + size > length)
        {
            fprintf(stderr, "record %d is broken\n", count);
            return 1;
        }
        s.in_a_row = data[at] == s.last ? s.in_a_row + 1 : 1;
        s.last = data[at];
        if (s.last == 'W')
        {
            handle(&s, data + at + 3, size);
        }
        at += 3 + size;
    }
    printf("%d records, sum %lx\n", count, s.sum);
    return 0;
}
