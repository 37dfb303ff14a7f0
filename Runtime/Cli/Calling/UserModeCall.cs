using System.Diagnostics;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;

namespace FastVcpu.Cli.Calling;

/// <summary>Calls a 32- or 64-bit guest in user mode.</summary>
static class UserModeCall
{
    const ulong StackSize = 1 << 20;
    const ulong End32 = 1UL << 32, End64 = 1UL << 47;

    public static CallOutcome Run(CallRequest request, int bits)
    {
        bool is64 = bits == 64;
        ulong end = is64 ? End64 : End32;
        Layout layout = new(end);
        RefuseTooMuch(request.Maps);
        using AddressSpace space = new();
        AddressRange file = request.File.Pages;
        layout.Take(file);
        // A flat binary does not say which of its bytes are data, so it may read, write and execute all of them.
        space.Map(file.Start, file.Size, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        space.Write(request.Base, request.Code);
        foreach (AddressRange map in request.Maps)
        {
            layout.Take(map.Pages);
            space.Map(map.Pages.Start, map.Pages.Size, PagePermissions.Read | PagePermissions.Write);
        }

        // The return address is a page that is never mapped: the fetch there faults and the guest is done.
        ulong returnAddress = layout.TakeFree(end, AddressRange.PageSize, AddressRange.PageSize, "a return address").Start;
        AddressRange stack = layout.TakeFree(returnAddress, StackSize, AddressRange.PageSize, "a stack");
        space.Map(stack.Start, stack.Size, PagePermissions.Read | PagePermissions.Write);

        using Vcpu cpu = new(request.Model, space, is64 ? CodeSize.Bits64 : CodeSize.Bits32);
        ulong stackTop = stack.Start + stack.Size - 64;
        if (is64)
        {
            cpu.Regs.Rsp = stackTop - 8;
            space.Write(cpu.Regs.Rsp, returnAddress);
        }
        else
        {
            cpu.Regs.Rsp = stackTop - 4;
            space.Write(cpu.Regs.Rsp, (uint)returnAddress);
        }

        cpu.Regs.Rip = request.Entry;
        CallArguments.Set(cpu, request.Arguments, bits);

        long started = Stopwatch.GetTimestamp();
        VcpuExit exit = CallDebugging.Run(request.Gdb, cpu, null, bits, request.Limit, _ => cpu.Regs.Rip == returnAddress);
        TimeSpan time = Stopwatch.GetElapsedTime(started);

        CallEnd ended = cpu.Regs.Rip == returnAddress ? CallEnd.Return
            : exit.Reason == ExitReason.InstructionLimit ? CallEnd.Limit
            : CallEnd.Fault;
        string? fault = ended == CallEnd.Fault ? GuestReport.Fault(cpu, exit, bits, (address, code) => GuestReport.ReadCode(space, address, code)) : null;
        return new CallOutcome(ended, CallArguments.Result(cpu, bits), exit.InstructionsRetired, time, fault);
    }

    static void RefuseTooMuch(AddressRange[] maps)
    {
        ulong available = (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        ulong free = available;
        foreach (AddressRange map in maps)
        {
            if (map.Size > free)
            {
                throw new InputException($"The maps need more memory than the {available} bytes of this machine.");
            }

            free -= map.Size;
        }
    }
}
