// A kernel of 32 bits that calls a function with a message; the function has a bug. Flat, entered at 1 MiB.
typedef unsigned char byte;

enum { MESSAGE_SIZE = 256 };

static byte *const message = (byte *)0x200000;
static volatile byte *const record = (byte *)0x300000;

__attribute__((noinline, used)) int receive(const byte *data, unsigned length)
{
    volatile byte name[16];
    if (length < 6 || data[0] != 'M' || data[1] != 'S' || data[2] != 'G')
    {
        return -1;
    }
    unsigned size = data[4];
    if (size > length - 5)
    {
        return -2;
    }
    switch (data[3])
    {
        case 1:
            for (unsigned i = 0; i < size && i < sizeof name; i++)
            {
                name[i] = data[5 + i];
            }
            break;
        case 2:
            // The bug: a name that is longer than the room for it.
            for (unsigned i = 0; i < size; i++)
            {
                name[i] = data[5 + i];
            }
            break;
        default:
            return -3;
    }
    for (unsigned i = 0; i < sizeof name; i++)
    {
        record[i] = name[i];
    }
    return (int)size;
}

__attribute__((section(".text.startup"), noreturn, used)) void start(void)
{
    __asm__ volatile("mov $0x180000, %esp");
    for (;;)
    {
        message[0] = 0;
        receive(message, MESSAGE_SIZE);
    }
}
