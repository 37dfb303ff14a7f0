using System.Buffers.Binary;
using System.Diagnostics;
using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;

namespace FastVcpu.Cli.Calling;

/// <summary>
/// Calls a 16-bit guest in real mode. CS, DS and ES name the 64 KiB block that holds the base address, SS a free block of its own.
/// The return address and every interrupt vector lead to a HLT of their own, so that the place of the HLT tells what happened.
/// </summary>
static class RealModeCall
{
    /// <summary>What real-mode addresses reach: up to FFFF:FFFF.</summary>
    const ulong End = 0x110000 - 16;
    const ulong SegmentSize = 0x10000;
    const int Vectors = 256;
    const int VectorTableSize = Vectors * 4;
    const byte Hlt = 0xF4;
    /// <summary>Segment registers by their numbers in instructions.</summary>
    const int Es = 0, Cs = 1, Ss = 2, Ds = 3;

    public static CallOutcome Run(CallRequest request)
    {
        ulong block = request.Base & ~(SegmentSize - 1);
        if (request.Entry - block >= SegmentSize)
        {
            throw new InputException($"The entry 0x{request.Entry:x} is not in the 64 KiB block of the base, 0x{block:x}..0x{block + SegmentSize - 1:x}.");
        }

        Layout layout = new(End);
        layout.Take(new AddressRange(0, VectorTableSize, "the interrupt vector table"));
        layout.Take(request.File);
        foreach (AddressRange map in request.Maps)
        {
            layout.Take(map);
        }

        // One for each vector, one for the return, and a byte behind it, so that the instruction pointer does not wrap there.
        ulong stops = layout.TakeFree(block + SegmentSize, Vectors + 2, 1, "the return address").Start;
        if (stops < block)
        {
            throw new InputException("There is no room for the return address in the 64 KiB block of the base.");
        }

        ulong stack = layout.TakeFree(0xA0000, SegmentSize, SegmentSize, "a stack").Start;

        byte[] memory = new byte[SegmentSize * 17];
        request.Code.CopyTo(memory, (int)request.Base);
        memory.AsSpan((int)stops, Vectors + 2).Fill(Hlt);
        for (int vector = 0; vector < Vectors; vector++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(memory.AsSpan(vector * 4), (ushort)(stops + (ulong)vector - block));
            BinaryPrimitives.WriteUInt16LittleEndian(memory.AsSpan(vector * 4 + 2), (ushort)(block >> 4));
        }

        ulong returnAddress = stops + Vectors;
        BinaryPrimitives.WriteUInt16LittleEndian(memory.AsSpan((int)(stack + SegmentSize - 2)), (ushort)(returnAddress - block));

        using VirtualMachine machine = new();
        machine.MapMemory(0, 0, memory);
        using Vcpu cpu = machine.CreateVcpu(request.Model);
        cpu.Segments.SetReal(Cs, (ushort)(block >> 4));
        cpu.Segments.SetReal(Ds, (ushort)(block >> 4));
        cpu.Segments.SetReal(Es, (ushort)(block >> 4));
        cpu.Segments.SetReal(Ss, (ushort)(stack >> 4));
        cpu.Regs.Rsp = SegmentSize - 2;
        cpu.Regs.Rip = request.Entry - block;
        CallArguments.Set(cpu, request.Arguments, 16);

        long started = Stopwatch.GetTimestamp();
        VcpuExit exit = CallDebugging.Run(request.Gdb, cpu, machine, 16, request.Limit, _ => false);
        TimeSpan time = Stopwatch.GetElapsedTime(started);

        ulong address = cpu.Segments.Cs.Base + cpu.Regs.Rip;
        long instructions = exit.InstructionsRetired;
        CallEnd end = CallEnd.Fault;
        string? fault = null;
        if (exit.Reason == ExitReason.Hlt && address > stops && address <= returnAddress + 1)
        {
            instructions--;
            int vector = (int)(address - 1 - stops);
            if (vector == Vectors)
            {
                end = CallEnd.Return;
            }
            else
            {
                PopInterruptFrame(cpu, memory);
                fault = GuestReport.Interrupt(cpu, vector, ReadCode);
            }
        }
        else if (exit.Reason == ExitReason.InstructionLimit)
        {
            end = address == returnAddress ? CallEnd.Return : CallEnd.Limit;
        }
        else
        {
            fault = GuestReport.Fault(cpu, exit, 16, ReadCode);
        }

        return new CallOutcome(end, CallArguments.Result(cpu, 16), instructions, time, fault);

        int ReadCode(ulong offset, Span<byte> code)
        {
            int start = (int)(cpu.Segments.Cs.Base + (offset & 0xFFFF));
            int length = Math.Min(code.Length, memory.Length - start);
            memory.AsSpan(start, length).CopyTo(code);
            return length;
        }
    }

    /// <summary>Brings the registers back to where the interrupt was raised.</summary>
    static void PopInterruptFrame(Vcpu cpu, byte[] memory)
    {
        ushort pointer = (ushort)cpu.Regs.Rsp;
        ushort Pop()
        {
            int address = (int)cpu.Segments.Ss.Base + pointer;
            pointer += 2;
            return (ushort)(memory[address] | memory[address + 1] << 8);
        }

        cpu.Regs.Rip = Pop();
        cpu.Segments.SetReal(Cs, Pop());
        cpu.Regs.Rflags = Pop();
        cpu.Regs.Rsp = cpu.Regs.Rsp & ~0xFFFFUL | pointer;
    }
}
