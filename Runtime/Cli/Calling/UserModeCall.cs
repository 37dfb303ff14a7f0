using System.Diagnostics;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Reporting;

namespace FastVcpu.Cli.Calling;

/// <summary>Calls a 32- or 64-bit guest in user mode.</summary>
static class UserModeCall
{
    public static CallOutcome Run(CallRequest request, int bits)
    {
        using FlatProgram program = new(request, bits, new RealClock());
        Vcpu cpu = program.Cpu;
        ulong returnAddress = program.ReturnAddress;

        long started = Stopwatch.GetTimestamp();
        VcpuExit exit = CallDebugging.Run(request.Gdb, cpu, null, bits, request.Limit, _ => cpu.Regs.Rip == returnAddress);
        TimeSpan time = Stopwatch.GetElapsedTime(started);

        CallEnd ended = cpu.Regs.Rip == returnAddress ? CallEnd.Return
            : exit.Reason == ExitReason.InstructionLimit ? CallEnd.Limit
            : CallEnd.Fault;
        string? fault = ended == CallEnd.Fault ? GuestReport.Fault(cpu, exit, bits, (address, code) => GuestReport.ReadCode(program.Space, address, code)) : null;
        return new CallOutcome(ended, CallArguments.Result(cpu, bits), exit.InstructionsRetired, time, fault);
    }
}
