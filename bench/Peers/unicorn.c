/* Calls a guest program under Unicorn, without hooks: unicorn BITS FILE ITERATIONS, prints the checksum. */
#include <stdio.h>
#include <stdlib.h>
#include <unicorn/unicorn.h>

#define CODE 0x400000
#define DATA 0x800000
#define DATA_SIZE (4 << 20)
#define STACK 0x2000000
#define STACK_SIZE (1 << 20)
#define RETURN 0x3000000
#define PAGE 4096

int main(int count, char **arguments)
{
    static unsigned char code[PAGE];
    int is64, size;
    uint64_t iterations, stack = STACK + STACK_SIZE / 2, end = RETURN, result = 0;
    uc_engine *engine;
    FILE *file;

    if (count != 4 || !(file = fopen(arguments[2], "rb")))
        return 2;
    is64 = atoi(arguments[1]) == 64;
    iterations = strtoull(arguments[3], 0, 10);
    size = fread(code, 1, sizeof code, file);
    if (uc_open(UC_ARCH_X86, is64 ? UC_MODE_64 : UC_MODE_32, &engine))
        return 2;
    uc_mem_map(engine, CODE, PAGE, UC_PROT_READ | UC_PROT_EXEC);
    uc_mem_write(engine, CODE, code, size);
    uc_mem_map(engine, DATA, DATA_SIZE, UC_PROT_READ | UC_PROT_WRITE);
    uc_mem_map(engine, STACK, STACK_SIZE, UC_PROT_READ | UC_PROT_WRITE);
    uc_mem_map(engine, RETURN, PAGE, UC_PROT_READ | UC_PROT_EXEC);
    uc_mem_write(engine, stack, &end, is64 ? 8 : 4);
    uc_reg_write(engine, is64 ? UC_X86_REG_RSP : UC_X86_REG_ESP, &stack);
    uc_reg_write(engine, is64 ? UC_X86_REG_RDI : UC_X86_REG_EDI, &iterations);
    if (uc_emu_start(engine, CODE, RETURN, 0, 0))
        return 1;
    uc_reg_read(engine, is64 ? UC_X86_REG_RAX : UC_X86_REG_EAX, &result);
    printf("%08x\n", (unsigned)result);
    return 0;
}
