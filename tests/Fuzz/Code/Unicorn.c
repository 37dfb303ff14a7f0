// Runs pieces of code under Unicorn.
//
// Each case has a new engine – one that was stopped in a hook does not always run on – in long mode with paging, descriptor tables and privilege level 3, so that code has the same
// rights as on the host's CPU. Unicorn delivers no exception but tells a hook, which takes the state and stops.
#include <string.h>
#include <unicorn/unicorn.h>

#include "Reference.h"

enum { SystemSize = 16 * PageSize };
static const uint64_t SystemStart = 0x3F000000;

// Blocks that no case has that ends.
enum { EndedOtherwise = 259, MostBlocks = 25000 };

static struct State *current;
static uint32_t blocks;

static const int general[16] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
    UC_X86_REG_R8, UC_X86_REG_R9, UC_X86_REG_R10, UC_X86_REG_R11, UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15 };

// Places in the image of FXSAVE.
enum { FxControl = 0, FxStatus = 2, FxTag = 4, FxMxcsr = 24, FxStack = 32, FxVectors = 160 };

static void set_state(uc_engine *engine, struct State *state, enum Kind kind)
{
    for (int i = 0; i < 16; i++)
    {
        uc_reg_write(engine, general[i], &state->gpr[i]);
        uc_reg_write(engine, UC_X86_REG_XMM0 + i, state->fx + FxVectors + 16 * i);
    }
    if (kind == Long)
    {
        uc_reg_write(engine, UC_X86_REG_FS_BASE, &state->fs_base);
        uc_reg_write(engine, UC_X86_REG_GS_BASE, &state->gs_base);
    }
    uint16_t control, status, tags = 0;
    memcpy(&control, state->fx + FxControl, sizeof control);
    memcpy(&status, state->fx + FxStatus, sizeof status);
    for (int i = 0; i < 8; i++)
    {
        tags |= (state->fx[FxTag] >> i & 1 ? 0 : 3) << 2 * i;
        uc_reg_write(engine, UC_X86_REG_FP0 + ((status >> 11) + i & 7), state->fx + FxStack + 16 * i);
    }
    uc_reg_write(engine, UC_X86_REG_FPCW, &control);
    uc_reg_write(engine, UC_X86_REG_FPSW, &status);
    uc_reg_write(engine, UC_X86_REG_FPTAG, &tags);
    uc_reg_write(engine, UC_X86_REG_MXCSR, state->fx + FxMxcsr);
    uint64_t none = 0;
    uc_reg_write(engine, UC_X86_REG_CR2, &none);
}

static void get_state(uc_engine *engine, struct State *state)
{
    for (int i = 0; i < 16; i++)
    {
        uc_reg_read(engine, general[i], &state->gpr[i]);
        uc_reg_read(engine, UC_X86_REG_XMM0 + i, state->fx + FxVectors + 16 * i);
    }
    uc_reg_read(engine, UC_X86_REG_RIP, &state->rip);
    uc_reg_read(engine, UC_X86_REG_RFLAGS, &state->rflags);
    uc_reg_read(engine, UC_X86_REG_FS_BASE, &state->fs_base);
    uc_reg_read(engine, UC_X86_REG_GS_BASE, &state->gs_base);
    uc_reg_read(engine, UC_X86_REG_CR2, &state->address);
    uint16_t control = 0, status = 0, tags = 0;
    uc_reg_read(engine, UC_X86_REG_FPCW, &control);
    uc_reg_read(engine, UC_X86_REG_FPSW, &status);
    uc_reg_read(engine, UC_X86_REG_FPTAG, &tags);
    uc_reg_read(engine, UC_X86_REG_MXCSR, state->fx + FxMxcsr);
    memcpy(state->fx + FxControl, &control, sizeof control);
    memcpy(state->fx + FxStatus, &status, sizeof status);
    state->fx[FxTag] = 0;
    for (int i = 0; i < 8; i++)
    {
        state->fx[FxTag] |= ((tags >> 2 * i & 3) != 3) << i;
        uc_reg_read(engine, UC_X86_REG_FP0 + ((status >> 11) + i & 7), state->fx + FxStack + 16 * i);
    }
}

static void end(uc_engine *engine, uint32_t vector)
{
    if (current != NULL)
    {
        get_state(engine, current);
        current->vector = vector;
        current = NULL;
    }
    uc_emu_stop(engine);
}

static void on_interrupt(uc_engine *engine, uint32_t vector, void *data)
{
    (void)data;
    end(engine, vector);
}

static bool on_invalid_instruction(uc_engine *engine, void *data)
{
    enum { InvalidOpcode = 6 };
    (void)data;
    end(engine, InvalidOpcode);
    return false;
}

// Unicorn looks for memory before it translates an address, so an access to nothing comes to this hook and not as an exception.
static bool on_invalid_access(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value, void *data)
{
    enum { PageFault = 14 };
    (void)type, (void)size, (void)value, (void)data;
    struct State *state = current;
    end(engine, PageFault);
    if (state != NULL)
    {
        state->address = address;
    }
    return false;
}

static void on_block(uc_engine *engine, uint64_t address, uint32_t size, void *data)
{
    (void)address, (void)size, (void)data;
    if (++blocks == MostBlocks)
    {
        end(engine, EndedByTimer);
    }
}

static uint64_t descriptor(uint64_t base, uint64_t limit, uint64_t attributes)
{
    return limit & 0xFFFF | (base & 0xFFFFFF) << 16 | attributes << 40 | (limit >> 16 & 15) << 48 | base >> 24 << 56;
}

// Pages of the system: tables at first, then descriptors, the entry and its stack.
static void run(struct Case *test)
{
    enum { Present = 1, Write = 2, User = 4 };
    const uint64_t Top = SystemStart, Directories = Top + PageSize, Directory = Directories + PageSize, Tables = Directory + PageSize, Descriptors = Tables + 5 * PageSize,
        Local = Descriptors + 512, Entry = Descriptors + PageSize, Frame = 0xF000;
    enum Kind kind = test->kind;
    uc_engine *engine;
    if (uc_open(UC_ARCH_X86, UC_MODE_64, &engine) != UC_ERR_OK || uc_ctl_set_cpu_model(engine, UC_CPU_X86_EPYC_ROME) != UC_ERR_OK
        || uc_mem_map(engine, CodeStart, CodeSize, UC_PROT_ALL) != UC_ERR_OK || uc_mem_map(engine, DataStart, DataSize, UC_PROT_ALL) != UC_ERR_OK
        || uc_mem_map(engine, StackStart, StackSize, UC_PROT_ALL) != UC_ERR_OK || uc_mem_map(engine, Frame, PageSize, UC_PROT_ALL) != UC_ERR_OK || uc_mem_map(engine, SystemStart, SystemSize, UC_PROT_ALL) != UC_ERR_OK)
    {
        _exit(5);
    }
    struct { uint64_t at, value; } words[64];
    int count = 0;
#define PUT(where, what) (words[count].at = (where), words[count++].value = (what))
    PUT(Top, Directories | Present | Write | User);
    PUT(Directories, Directory | Present | Write | User);
    const uint64_t starts[] = { CodeStart, DataStart, StackStart, SystemStart };
    const int pages[] = { CodeSize / PageSize, DataSize / PageSize, StackSize / PageSize, SystemSize / PageSize };
    for (int i = 0; i < 4; i++)
    {
        uint64_t table = Tables + i * PageSize;
        PUT(Directory + (starts[i] >> 21) * 8, table | Present | Write | User);
        for (int page = 0; page < pages[i]; page++)
        {
            // Accessed and dirty, so that nothing changes.
            PUT(table + page * 8, starts[i] + page * PageSize | 0x60 | Present | Write | (i < 3 ? User : 0));
        }
    }
    // The stack of the entry is below 64 KiB, because an IRETQ to a 16-bit stack leaves the upper half.
    PUT(Directory, Tables + 4 * PageSize | Present | Write | User);
    PUT(Tables + 4 * PageSize + 15 * 8, Frame | 0x60 | Present | Write);
    PUT(Descriptors + 0x08, descriptor(0, 0xFFFFF, 0xA09B));
    PUT(Descriptors + 0x10, descriptor(0, 0xFFFFF, 0xC093));
    PUT(Descriptors + 0x20, descriptor(0, 0xFFFFF, 0xC0FB));
    PUT(Descriptors + 0x28, descriptor(0, 0xFFFFF, 0xC0F3));
    PUT(Descriptors + 0x30, descriptor(0, 0xFFFFF, 0xA0FB));
    PUT(Descriptors + 0x60, descriptor(DataStart + 0x800, 0xFFFFF, 0xC0F3));
    PUT(Descriptors + 0x68, descriptor(DataStart + 0x1000, 0xFFFFF, 0xC0F3));
    PUT(Local + 0x00, descriptor(CodeStart, CodeSize - 1, 0x00FB));
    PUT(Local + 0x08, descriptor(StackStart, StackSize - 1, 0x00F3));
    PUT(Local + 0x10, descriptor(DataStart, DataSize - 1, 0x00F3));
    PUT(Local + 0x18, descriptor(DataStart, 0x7FF, 0x00F7));
    // In long mode IRETQ; before it, elsewhere, MOV of DS, ES, FS and GS from memory.
    uint8_t entry[30] = { 0x48, 0xCF };
    for (int i = 0; kind != Long && i < 4; i++)
    {
        static const uint8_t operands[] = { 0x1C, 0x04, 0x24, 0x2C };
        uint32_t where = Frame + 40 + 8 * i;
        memcpy(entry + 7 * i, (uint8_t[]){ 0x8E, operands[i], 0x25 }, 3);
        memcpy(entry + 7 * i + 3, &where, sizeof where);
        memcpy(entry + 28, (uint8_t[]){ 0x48, 0xCF }, 2);
    }
    uc_mem_write(engine, Entry, entry, sizeof entry);
    static const uint64_t selectors[Kinds][6] = {
        { 0, 0, 0, 0, 0x33, 0x2B }, { 0x2B, 0x2B, 0x63, 0x6B, 0x23, 0x2B }, { 0x17, 0x17, 0x17, 0x1F, 0x07, 0x0F } };
    PUT(Frame, test->state.rip);
    PUT(Frame + 8, selectors[kind][4]);
    PUT(Frame + 16, test->state.rflags);
    PUT(Frame + 24, test->state.gpr[4]);
    PUT(Frame + 32, selectors[kind][5]);
    for (int i = 0; i < 4; i++)
    {
        PUT(Frame + 40 + 8 * i, selectors[kind][i]);
    }
#undef PUT
    for (int i = 0; i < count; i++)
    {
        uc_mem_write(engine, words[i].at, &words[i].value, sizeof words[i].value);
    }
    uc_hook hook;
    uc_hook_add(engine, &hook, UC_HOOK_INTR, (void *)on_interrupt, NULL, 1, 0);
    uc_hook_add(engine, &hook, UC_HOOK_INSN_INVALID, (void *)on_invalid_instruction, NULL, 1, 0);
    uc_hook_add(engine, &hook, UC_HOOK_MEM_INVALID, (void *)on_invalid_access, NULL, 1, 0);
    uc_hook_add(engine, &hook, UC_HOOK_BLOCK, (void *)on_block, NULL, 1, 0);
    uc_x86_mmr global = { 0, Descriptors, 511, 0 }, local = { 0x40, Local, 0x1F, 0x8200 };
    uc_reg_write(engine, UC_X86_REG_GDTR, &global);
    uc_reg_write(engine, UC_X86_REG_LDTR, &local);
    // LME (Unicorn does not set NXE); PAE, OSFXSR, OSXMMEXCPT; PE, MP, ET, NE, WP, AM, PG.
    uc_x86_msr efer = { 0xC0000080, 0x101 };
    uint64_t cr4 = 0x620, cr0 = 0x80050033;
    uc_reg_write(engine, UC_X86_REG_MSR, &efer);
    uc_reg_write(engine, UC_X86_REG_CR4, &cr4);
    uc_reg_write(engine, UC_X86_REG_CR3, &Top);
    uc_reg_write(engine, UC_X86_REG_CR0, &cr0);
    uc_mem_write(engine, CodeStart, test->code, CodeSize);
    uc_mem_write(engine, DataStart, test->data, DataSize);
    uc_mem_write(engine, StackStart, test->stack, StackSize);
    set_state(engine, &test->state, kind);
    uc_reg_write(engine, UC_X86_REG_RSP, &Frame);
    current = &test->state;
    blocks = 0;
    uc_emu_start(engine, Entry, ~0ull, 0, 0);
    if (current != NULL)
    {
        end(engine, EndedOtherwise);
    }
    uc_mem_read(engine, CodeStart, test->code, CodeSize);
    uc_mem_read(engine, DataStart, test->data, DataSize);
    uc_mem_read(engine, StackStart, test->stack, StackSize);
    uc_close(engine);
}

static int prepare(void)
{
    return 0;
}

int main(int count, char **arguments)
{
    return serve(count, arguments, prepare, run);
}
