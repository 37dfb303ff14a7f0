using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Harness;

/// <summary>Pieces of assembly code that the programs of the tests share.</summary>
static partial class GuestCode
{
    const int ExitGroup64 = 231, ExitGroup32 = 252;

    /// <summary>exit_group with a fixed code.</summary>
    public static void Exit(this Assembler a, int code)
    {
        if (a.Bitness == 64)
        {
            a.mov(edi, code);
            a.mov(eax, ExitGroup64);
            a.syscall();
        }
        else
        {
            a.mov(ebx, code);
            a.mov(eax, ExitGroup32);
            a.@int(0x80);
        }
    }

    /// <summary>After a compare: exits with <paramref name="code"/> unless it found equality.</summary>
    public static void RequireEqual(this Assembler a, int code)
    {
        Label good = a.CreateLabel();
        a.je(good);
        a.Exit(code);
        a.Label(ref good);
        a.nop();
    }

    /// <summary>A system call of x86-64 with constant arguments; null leaves the register as it is.</summary>
    public static void Call64(this Assembler a, int number, params ReadOnlySpan<long?> arguments)
    {
        AssemblerRegister64[] registers = [rdi, rsi, rdx, r10, r8, r9];
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is { } value)
            {
                a.mov(registers[i], value);
            }
        }

        a.mov(eax, number);
        a.syscall();
    }

    /// <summary>A system call of i386 with constant arguments; null leaves the register as it is.</summary>
    public static void Call32(this Assembler a, int number, params ReadOnlySpan<int?> arguments)
    {
        AssemblerRegister32[] registers = [ebx, ecx, edx, esi, edi, ebp];
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is { } value)
            {
                a.mov(registers[i], value);
            }
        }

        a.mov(eax, number);
        a.@int(0x80);
    }

    /// <summary>Puts into EAX the address of a jump to a label; 32-bit code has no address relative to EIP.</summary>
    public static void LoadAddress32(this Assembler a, Label target)
    {
        Label behind = a.CreateLabel();
        a.call(behind);
        a.jmp(target);
        a.Label(ref behind);
        a.pop(eax);
    }
}
