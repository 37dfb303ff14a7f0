using FastVcpu.Cli.Input;

namespace FastVcpu.Cli.Calling;

/// <summary>A flat binary in a user-mode guest of 32 or 64 bits, about to be called.</summary>
sealed class FlatProgram : IDisposable
{
    const ulong StackSize = 1 << 20;
    const ulong End32 = 1UL << 32, End64 = 1UL << 47;

    public FlatProgram(CallRequest request, int bits, Clock clock)
    {
        bool is64 = bits == 64;
        ulong end = is64 ? End64 : End32;
        Layout layout = new(end);
        RefuseTooMuch(request.Maps);
        AddressRange file = request.File.Pages;
        layout.Take(file);
        // A flat binary does not say which of its bytes are data, so it may read, write and execute all of them.
        Space.Map(file.Start, file.Size, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        Space.Write(request.Base, request.Code);
        foreach (AddressRange map in request.Maps)
        {
            layout.Take(map.Pages);
            Space.Map(map.Pages.Start, map.Pages.Size, PagePermissions.Read | PagePermissions.Write);
        }

        // The return address is a page that is never mapped: the fetch there faults and the guest is done.
        ReturnAddress = layout.TakeFree(end, AddressRange.PageSize, AddressRange.PageSize, "a return address").Start;
        AddressRange stack = layout.TakeFree(ReturnAddress, StackSize, AddressRange.PageSize, "a stack");
        Space.Map(stack.Start, stack.Size, PagePermissions.Read | PagePermissions.Write);

        Cpu = new Vcpu(request.Model, Space, is64 ? CodeSize.Bits64 : CodeSize.Bits32, clock);
        ulong stackTop = stack.Start + stack.Size - 64;
        if (is64)
        {
            Cpu.Regs.Rsp = stackTop - 8;
            Space.Write(Cpu.Regs.Rsp, ReturnAddress);
        }
        else
        {
            Cpu.Regs.Rsp = stackTop - 4;
            Space.Write(Cpu.Regs.Rsp, (uint)ReturnAddress);
        }

        Cpu.Regs.Rip = request.Entry;
        CallArguments.Set(Cpu, request.Arguments, bits);
    }

    public AddressSpace Space { get; } = new();

    public Vcpu Cpu { get; }

    /// <summary>Where the call returns to.</summary>
    public ulong ReturnAddress { get; }

    public void Dispose()
    {
        Cpu.Dispose();
        Space.Dispose();
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
