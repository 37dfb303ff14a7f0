/*
 * Fuzzes a flat target under Unicorn as fast as can be done by hand: unicorn-fuzz FILE INPUT RUNS SIZE. Registers come from a context, written pages from copies in the
 * harness's own memory (the guest's memory is the harness's, so that nothing is copied through the interface), coverage from a block hook with afl-fuzz's formula.
 * Prints the result of the last run, the edges it counted and the runs a second of CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unicorn/unicorn.h>

#define CODE 0x400000
#define CODE_SIZE 0x10000
#define DATA 0x800000
#define DATA_SIZE 0x10000
#define STACK 0x7000000
#define STACK_SIZE 0x100000
#define RETURN 0x7fff0000
#define PAGE 4096
#define STACK_PAGES 4
#define MAP_SIZE 65536

static unsigned char map[MAP_SIZE];
static uint32_t touched[MAP_SIZE];
static uint32_t touched_count;
static uint64_t previous;

static void block(uc_engine *engine, uint64_t address, uint32_t size, void *data)
{
    uint64_t location = address * 0x9E3779B97F4A7C15ULL >> 48;
    if (map[location ^ previous]++ == 0)
        touched[touched_count++ & (MAP_SIZE - 1)] = location ^ previous;
    previous = location >> 1;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static unsigned char *memory(uint64_t size)
{
    return mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int count, char **arguments)
{
    static unsigned char input[DATA_SIZE];
    unsigned char *code = memory(CODE_SIZE), *data = memory(DATA_SIZE), *stack = memory(STACK_SIZE), *kept = memory(STACK_PAGES * PAGE);
    uint64_t top = STACK + STACK_SIZE / 2 - 8, end = RETURN, start = DATA, length, result = 0;
    unsigned char *used = stack + STACK_SIZE / 2 - STACK_PAGES * PAGE;
    uc_engine *engine;
    uc_context *context;
    uc_hook hook;
    FILE *file;
    int edges = 0;
    double time = 0;

    if (count != 4 || !(file = fopen(arguments[1], "rb")) || fread(code, 1, CODE_SIZE, file) == 0)
        return 2;
    fclose(file);
    if (!(file = fopen(arguments[2], "rb")))
        return 2;
    length = fread(input, 1, sizeof input, file);
    fclose(file);
    if (uc_open(UC_ARCH_X86, UC_MODE_64, &engine))
        return 2;
    uc_mem_map_ptr(engine, CODE, CODE_SIZE, UC_PROT_READ | UC_PROT_EXEC, code);
    uc_mem_map_ptr(engine, DATA, DATA_SIZE, UC_PROT_READ | UC_PROT_WRITE, data);
    uc_mem_map_ptr(engine, STACK, STACK_SIZE, UC_PROT_READ | UC_PROT_WRITE, stack);
    uc_mem_map(engine, RETURN, PAGE, UC_PROT_READ | UC_PROT_EXEC);
    uc_mem_write(engine, top, &end, 8);
    uc_reg_write(engine, UC_X86_REG_RSP, &top);
    uc_hook_add(engine, &hook, UC_HOOK_BLOCK, block, 0, 1, 0);
    uc_context_alloc(engine, &context);
    uc_context_save(engine, context);
    memcpy(kept, used, STACK_PAGES * PAGE);
    for (long runs = atol(arguments[3]), warm = runs / 5, i = -warm; i < runs; i++)
    {
        if (i == 0)
            time = now();
        while (touched_count > 0)
            map[touched[--touched_count & (MAP_SIZE - 1)]] = 0;
        uc_context_restore(engine, context);
        memcpy(used, kept, STACK_PAGES * PAGE);
        memset(data, 0, PAGE);
        memcpy(data, input, length);
        uc_reg_write(engine, UC_X86_REG_RDI, &start);
        uc_reg_write(engine, UC_X86_REG_RSI, &length);
        previous = 0;
        if (uc_emu_start(engine, CODE, RETURN, 0, 0))
            return 1;
    }
    time = now() - time;
    uc_reg_read(engine, UC_X86_REG_RAX, &result);
    for (int i = 0; i < MAP_SIZE; i++)
        edges += map[i] != 0;
    printf("%08x %d %.0f\n", (unsigned)result, edges, atol(arguments[3]) / time);
    return 0;
}
