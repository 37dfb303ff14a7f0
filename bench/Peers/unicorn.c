/*
 * Calls a guest program under Unicorn: unicorn MODE BITS FILE ITERATIONS, prints the checksum. MODE is plain, block (a hook that counts blocks), limit (a limit of
 * instructions, far away) or tlb (the virtual TLB of later versions). With the mode alone: exit code 3 when this version does not have it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#define CODE 0x400000
#define CODE_SIZE (1 << 20)
#define DATA 0x800000
#define DATA_SIZE (4 << 20)
#define STACK 0x2000000
#define STACK_SIZE (1 << 20)
#define RETURN 0x3000000
#define PAGE 4096
#define FAR_AWAY ((size_t)1 << 60)

static uint64_t blocks;

static void count_block(uc_engine *engine, uint64_t address, uint32_t size, void *data)
{
    blocks++;
}

#ifdef uc_ctl_tlb_mode
static bool identity(uc_engine *engine, uint64_t address, uc_mem_type type, uc_tlb_entry *entry, void *data)
{
    entry->paddr = address;
    entry->perms = UC_PROT_ALL;
    return true;
}
#endif

int main(int count, char **arguments)
{
    static unsigned char code[CODE_SIZE];
    const char *mode = count > 1 ? arguments[1] : "";
    int is64, size;
    uint64_t iterations, stack = STACK + STACK_SIZE / 2, end = RETURN, result = 0;
    uc_engine *engine;
    uc_hook hook;
    FILE *file;

#ifndef uc_ctl_tlb_mode
    if (!strcmp(mode, "tlb"))
        return 3;
#endif
    if (count != 5 || !(file = fopen(arguments[3], "rb")))
        return 2;
    is64 = atoi(arguments[2]) == 64;
    iterations = strtoull(arguments[4], 0, 10);
    size = fread(code, 1, sizeof code, file);
    if (uc_open(UC_ARCH_X86, is64 ? UC_MODE_64 : UC_MODE_32, &engine))
        return 2;
#ifdef uc_ctl_tlb_mode
    if (!strcmp(mode, "tlb") && (uc_ctl_tlb_mode(engine, UC_TLB_VIRTUAL) || uc_hook_add(engine, &hook, UC_HOOK_TLB_FILL, identity, 0, 1, 0)))
        return 2;
#endif
    if (!strcmp(mode, "block") && uc_hook_add(engine, &hook, UC_HOOK_BLOCK, count_block, 0, 1, 0))
        return 2;
    uc_mem_map(engine, CODE, CODE_SIZE, UC_PROT_READ | UC_PROT_EXEC);
    uc_mem_write(engine, CODE, code, size);
    uc_mem_map(engine, DATA, DATA_SIZE, UC_PROT_READ | UC_PROT_WRITE);
    uc_mem_map(engine, STACK, STACK_SIZE, UC_PROT_READ | UC_PROT_WRITE);
    uc_mem_map(engine, RETURN, PAGE, UC_PROT_READ | UC_PROT_EXEC);
    uc_mem_write(engine, stack, &end, is64 ? 8 : 4);
    uc_reg_write(engine, is64 ? UC_X86_REG_RSP : UC_X86_REG_ESP, &stack);
    uc_reg_write(engine, is64 ? UC_X86_REG_RDI : UC_X86_REG_EDI, &iterations);
    if (uc_emu_start(engine, CODE, RETURN, 0, strcmp(mode, "limit") ? 0 : FAR_AWAY))
        return 1;
    uc_reg_read(engine, is64 ? UC_X86_REG_RAX : UC_X86_REG_EAX, &result);
    printf("=%08x\n", (unsigned)result);
    return 0;
}
