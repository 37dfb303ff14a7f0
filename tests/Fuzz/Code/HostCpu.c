// Runs pieces of code on this machine's own CPU, in a process of its own, so that no fault of theirs reaches anybody else.
//
// A case begins and ends with a signal: the handler exchanges all registers of the interrupted context. It
// uses nothing that needs the thread pointer, because a guest has its own. System calls out of guest code are refused by a filter.
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>

#include "Reference.h"

enum { EndedBySystemCall = 257 };

static struct Case *volatile current;
static volatile int is_inside, ticks;
static greg_t outside_registers[NGREG];
static uint64_t outside_fs;
static uint8_t outside_fx[464];
static uint64_t outside_components;

// Numbers in the encoding of instructions -> places in the context.
static const int places[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

enum { LegacyBytes = 464, ComponentsOffset = 512, UpperOffset = 576 };

static inline void load_selectors(unsigned ds, unsigned es, unsigned fs, unsigned gs)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%fs; mov %3, %%gs" : : "r"(ds), "r"(es), "r"(fs), "r"(gs));
}

static inline uint64_t read_fs_base(void) { uint64_t v; __asm__ volatile("rdfsbase %0" : "=r"(v)); return v; }
static inline uint64_t read_gs_base(void) { uint64_t v; __asm__ volatile("rdgsbase %0" : "=r"(v)); return v; }
static inline void write_fs_base(uint64_t v) { __asm__ volatile("wrfsbase %0" : : "r"(v)); }
static inline void write_gs_base(uint64_t v) { __asm__ volatile("wrgsbase %0" : : "r"(v)); }

static inline void copy(void *to, const void *from, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void enter(ucontext_t *context)
{
    greg_t *registers = context->uc_mcontext.gregs;
    uint8_t *fpu = (uint8_t *)context->uc_mcontext.fpregs;
    struct State *state = &current->state;
    copy(outside_registers, registers, sizeof outside_registers);
    copy(outside_fx, fpu, LegacyBytes);
    outside_components = *(uint64_t *)(fpu + ComponentsOffset);
    outside_fs = read_fs_base();
    for (int i = 0; i < 16; i++)
    {
        registers[places[i]] = state->gpr[i];
    }
    registers[REG_RIP] = state->rip;
    registers[REG_EFL] = state->rflags;
    uint64_t cs, ss;
    switch (current->kind)
    {
        case Long: cs = 0x33; ss = 0x2B; load_selectors(0, 0, 0, 0); break;
        case Compatibility: cs = 0x23; ss = 0x2B; load_selectors(0x2B, 0x2B, 0x63, 0x6B); break;
        default: cs = 0x07; ss = 0x0F; load_selectors(0x17, 0x17, 0x17, 0x1F); break;
    }
    registers[REG_CSGSFS] = cs | ss << 48;
    if (current->kind == Long)
    {
        write_fs_base(state->fs_base);
        write_gs_base(state->gs_base);
    }
    copy(fpu, state->fx, LegacyBytes);
    copy(fpu + UpperOffset, state->upper, sizeof state->upper);
    *(uint64_t *)(fpu + ComponentsOffset) |= 7;
    is_inside = 1;
    ticks = 0;
}

static void leave(ucontext_t *context, uint32_t vector)
{
    greg_t *registers = context->uc_mcontext.gregs;
    uint8_t *fpu = (uint8_t *)context->uc_mcontext.fpregs;
    struct State *state = &current->state;
    for (int i = 0; i < 16; i++)
    {
        state->gpr[i] = registers[places[i]];
    }
    state->rip = registers[REG_RIP];
    state->rflags = registers[REG_EFL];
    state->fs_base = read_fs_base();
    state->gs_base = read_gs_base();
    state->vector = vector;
    state->error = registers[REG_ERR];
    state->address = registers[REG_CR2];
    uint64_t components = *(uint64_t *)(fpu + ComponentsOffset);
    copy(state->fx, fpu, LegacyBytes);
    copy(state->upper, fpu + UpperOffset, sizeof state->upper);
    if ((components & 4) == 0)
    {
        __builtin_memset(state->upper, 0, sizeof state->upper);
    }
    load_selectors(0, 0, 0, 0);
    write_fs_base(outside_fs);
    copy(registers, outside_registers, sizeof outside_registers);
    copy(fpu, outside_fx, LegacyBytes);
    *(uint64_t *)(fpu + ComponentsOffset) = outside_components;
    registers[REG_RIP] += 2;
    is_inside = 0;
}

static void on_signal(int signal, siginfo_t *information, void *argument)
{
    (void)information;
    // AC, NT and ID outlive the signal; the handler must not have them, and neither must the next case.
    __asm__ volatile("pushfq; andl $~0x244000, (%%rsp); popfq" : : : "memory", "cc");
    ucontext_t *context = argument;
    if (signal == SIGALRM)
    {
        if (is_inside && ++ticks == 2)
        {
            leave(context, EndedByTimer);
        }
        return;
    }
    if (is_inside)
    {
        leave(context, signal == SIGSYS ? EndedBySystemCall : (uint32_t)context->uc_mcontext.gregs[REG_TRAPNO]);
    }
    else
    {
        enter(context);
    }
}

static void run(struct Case *test)
{
    copy((void *)CodeStart, test->code, CodeSize);
    copy((void *)DataStart, test->data, DataSize);
    copy((void *)StackStart, test->stack, StackSize);
    current = test;
    __asm__ volatile("ud2" : : : "memory");
    copy(test->code, (void *)CodeStart, CodeSize);
    copy(test->data, (void *)DataStart, DataSize);
    copy(test->stack, (void *)StackStart, StackSize);
}

// Call of the 32-bit interface, which knows the segments of 32-bit programs.
static long call32(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return result;
}

static int define_segments(void)
{
    enum { SetThreadArea = 243, ModifyLdt = 123 };
    struct user_desc *segment = mmap((void *)0x40000000, PageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int i = 0; i < 2; i++)
    {
        *segment = (struct user_desc){ .entry_number = 12 + i, .base_addr = DataStart + 0x800 + 0x800 * i, .limit = 0xFFFFF, .seg_32bit = 1,
            .limit_in_pages = 1, .useable = 1 };
        if (call32(SetThreadArea, (long)segment, 0, 0) != 0)
        {
            return -1;
        }
    }
    // 07h code, 0Fh stack, 17h data, 1Fh data that expands down; all of 16 bits.
    static const uint32_t bases[] = { CodeStart, StackStart, DataStart, DataStart };
    static const uint32_t limits[] = { CodeSize - 1, StackSize - 1, DataSize - 1, 0x7FF };
    static const int contents[] = { MODIFY_LDT_CONTENTS_CODE, MODIFY_LDT_CONTENTS_DATA, MODIFY_LDT_CONTENTS_DATA, MODIFY_LDT_CONTENTS_STACK };
    for (int i = 0; i < 4; i++)
    {
        *segment = (struct user_desc){ .entry_number = i, .base_addr = bases[i], .limit = limits[i], .contents = contents[i], .useable = 1 };
        if (call32(ModifyLdt, 1, (long)segment, sizeof *segment) != 0)
        {
            return -1;
        }
    }
    return munmap(segment, PageSize);
}

// Guest code lies below 2 GiB and calls no system; this program is loaded far above.
static int refuse_system_calls(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? -1 : 0;
}

static int map(uintptr_t start, size_t size, int rights)
{
    return mmap((void *)start, size, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)start ? 0 : -1;
}

static int prepare(void)
{
    if (define_segments() != 0
        || map(CodeStart, CodeSize, PROT_READ | PROT_WRITE | PROT_EXEC) != 0 || map(DataStart, DataSize, PROT_READ | PROT_WRITE) != 0
        || map(StackStart, StackSize, PROT_READ | PROT_WRITE) != 0 || refuse_system_calls() != 0)
    {
        return -1;
    }
    static uint8_t stack[1 << 16];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    sigaltstack(&alternate, NULL);
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    sigfillset(&action.sa_mask);
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS, SIGALRM };
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    {
        sigaction(signals[i], &action, NULL);
    }
    struct itimerval timer = { { 0, 20000 }, { 0, 20000 } };
    return setitimer(ITIMER_REAL, &timer, NULL);
}

int main(int count, char **arguments)
{
    return serve(count, arguments, prepare, run);
}
