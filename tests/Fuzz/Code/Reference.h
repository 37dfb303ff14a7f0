// What the programs of ReferenceCpu.cs share: cases lie in a file that both sides have mapped (argument 1); a 32-bit count on standard input says how many are
// to be run, the same count on standard output says that they have been.
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PageSize = 4096, CodeSize = PageSize, DataSize = 2 * PageSize, StackSize = PageSize };
static const uint64_t CodeStart = 0x10000000, DataStart = 0x20000000, StackStart = 0x30000000;

// The order of the enumeration CodeKind in TestCase.cs.
enum Kind { Long = 0, Compatibility = 1, Segmented16 = 2, Kinds = 3 };

// What ended a case beside the vectors of exceptions, in both programs.
enum { EndedByTimer = 256 };

// As MachineState.cs has it.
struct State
{
    uint64_t gpr[16], rip, rflags, fs_base, gs_base;
    uint32_t vector, error;
    uint64_t address;
    uint8_t fx[512];
    uint8_t upper[16][16];
};

struct Case
{
    uint32_t kind, reserved[3];
    struct State state;
    uint8_t code[CodeSize], data[DataSize], stack[StackSize];
};

// Maps the file, prepares, and runs cases until the other side has gone or asks for more than there are. The result is the program's exit code.
static int serve(int count, char **arguments, int (*prepare)(void), void (*run)(struct Case *))
{
    int file = count == 2 ? open(arguments[1], O_RDWR) : -1;
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0)
    {
        return 2;
    }
    struct Case *cases = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (cases == MAP_FAILED || prepare() != 0)
    {
        return 3;
    }
    uint32_t number = 0;
    if (write(1, &number, sizeof number) != sizeof number)
    {
        return 4;
    }
    for (;;)
    {
        ssize_t got = read(0, &number, sizeof number);
        if (got < 0)
        {
            continue;
        }
        if (got != sizeof number || number > status.st_size / sizeof(struct Case))
        {
            return 0;
        }
        for (uint32_t i = 0; i < number; i++)
        {
            run(&cases[i]);
        }
        if (write(1, &number, sizeof number) != sizeof number)
        {
            return 4;
        }
    }
}
