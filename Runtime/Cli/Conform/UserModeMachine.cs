using System.Runtime.InteropServices;

namespace FastVcpu.Cli.Conform;

/// <summary>Runs vectors of the modes x64 and x86: a user-mode CPU with the memory and the segments that the format describes.</summary>
sealed class UserModeMachine : VectorMachine
{
    const byte Int3 = 0xCC;
    const ulong CodeStart = 0x1000_0000, DataStart = 0x2000_0000, StackStart = 0x3000_0000;
    const int CodeLength = 0x2000, DataLength = 0x10000;
    /// <summary>The data segments of the format that are not flat; the flat ones belong to every user-mode CPU.</summary>
    const ushort FsSelector = 0x63, GsSelector = 0x6B;
    const int PageFault = 14;
    const uint Present = 1;
    /// <summary>Where the kernel's half of the addresses begins; the format says that the system forces bit 0 of error codes there.</summary>
    const ulong KernelHalf = 0xFFFF_8000_0000_0000;

    readonly AddressSpace space = new();
    readonly Vcpu cpu;
    readonly bool isLong;
    readonly MemoryRegion[] regions;

    public UserModeMachine(CpuModel model, VectorMode mode)
    {
        isLong = mode == VectorMode.X64;
        byte[] code = new byte[CodeLength], data = new byte[DataLength], stack = new byte[DataLength];
        Array.Fill(code, Int3);
        space.Map(CodeStart, code, PagePermissions.Read | PagePermissions.Execute);
        space.Map(DataStart, data, PagePermissions.Read | PagePermissions.Write);
        space.Map(StackStart, stack, PagePermissions.Read | PagePermissions.Write);
        regions = [new MemoryRegion(CodeStart, code, Int3), new MemoryRegion(DataStart, data, 0), new MemoryRegion(StackStart, stack, 0)];
        cpu = new Vcpu(model, space, isLong ? CodeSize.Bits64 : CodeSize.Bits32);
        cpu.SetDescriptor(FsSelector >> 3, Descriptor(FsSelector));
        cpu.SetDescriptor(GsSelector >> 3, Descriptor(GsSelector));
    }

    public override IReadOnlyList<MemoryRegion> Regions => regions;

    public override void Dispose()
    {
        cpu.Dispose();
        space.Dispose();
    }

    protected override void Write(ulong address, ReadOnlySpan<byte> bytes) => space.Write(address, bytes);

    protected override VectorException Execute(Vector vector)
    {
        VcpuExit exit = cpu.Run(1);
        switch (exit.Reason)
        {
            case ExitReason.InstructionLimit:
                return VectorException.None;
            case ExitReason.Exception:
                uint errorCode = exit.ErrorCode | (exit.Vector == PageFault && exit.Address >= KernelHalf ? Present : 0);
                return new VectorException(
                    exit.Vector, exit.HasErrorCode ? errorCode : null, exit.Vector == PageFault ? exit.Address : null, IsDelivered: false);
            case ExitReason.SoftwareInterrupt:
                // Linux lets user mode call no other gates than those of the vectors' #BP and #OF: the interrupt is a general protection fault.
                cpu.Regs.Rip = BitConverter.ToUInt64(vector.Initial, RegisterImage.Rip);
                return new VectorException(13, (uint)exit.Vector << 3 | 2, null, IsDelivered: false);
            default:
                return VectorException.None with { OtherExit = exit.Reason };
        }
    }

    protected override void SetRegisters(byte[] image)
    {
        ReadOnlySpan<ulong> numbers = MemoryMarshal.Cast<byte, ulong>(image.AsSpan(0, RegisterImage.Selectors));
        RegisterFile registers = cpu.Regs;
        for (int i = 0; i < 16; i++)
        {
            registers[i] = numbers[i];
        }

        registers.Rip = numbers[RegisterImage.Rip / 8];
        registers.Rflags = numbers[RegisterImage.Rflags / 8];

        ReadOnlySpan<ushort> selectors = MemoryMarshal.Cast<byte, ushort>(image.AsSpan(RegisterImage.Selectors, 12));
        SegmentFile segments = cpu.Segments;
        segments.Cs = Segment(selectors[0], 0);
        segments.Ss = Segment(selectors[1], 0);
        segments.Ds = Segment(selectors[2], 0);
        segments.Es = Segment(selectors[3], 0);
        segments.Fs = Segment(selectors[4], numbers[RegisterImage.FsBase / 8]);
        segments.Gs = Segment(selectors[5], numbers[RegisterImage.GsBase / 8]);

        FpuState fpu = cpu.Fpu;
        fpu.ControlWord = BitConverter.ToUInt16(image, RegisterImage.Fcw);
        fpu.StatusWord = BitConverter.ToUInt16(image, RegisterImage.Fsw);
        fpu.AbridgedTag = image[RegisterImage.Ftw];
        fpu.Mxcsr = BitConverter.ToUInt32(image, RegisterImage.Mxcsr);
        for (int i = 0; i < 8; i++)
        {
            image.AsSpan(RegisterImage.Fpr + i * RegisterImage.FprLength, RegisterImage.FprLength).CopyTo(fpu.Register(i));
        }

        for (int i = 0; i < 32; i++)
        {
            image.AsSpan(RegisterImage.Vector + i * RegisterImage.VectorLength, RegisterImage.VectorLength).CopyTo(cpu.VectorRegister(i));
        }
    }

    protected override void GetRegisters(byte[] image)
    {
        Span<ulong> numbers = MemoryMarshal.Cast<byte, ulong>(image.AsSpan(0, RegisterImage.Selectors));
        RegisterFile registers = cpu.Regs;
        for (int i = 0; i < 16; i++)
        {
            numbers[i] = registers[i];
        }

        numbers[RegisterImage.Rip / 8] = registers.Rip;
        numbers[RegisterImage.Rflags / 8] = registers.Rflags;

        Span<ushort> selectors = MemoryMarshal.Cast<byte, ushort>(image.AsSpan(RegisterImage.Selectors, 12));
        SegmentFile segments = cpu.Segments;
        selectors[0] = segments.Cs.Selector;
        selectors[1] = segments.Ss.Selector;
        selectors[2] = segments.Ds.Selector;
        selectors[3] = segments.Es.Selector;
        selectors[4] = segments.Fs.Selector;
        selectors[5] = segments.Gs.Selector;
        numbers[RegisterImage.FsBase / 8] = segments.Fs.Base;
        numbers[RegisterImage.GsBase / 8] = segments.Gs.Base;

        FpuState fpu = cpu.Fpu;
        BitConverter.TryWriteBytes(image.AsSpan(RegisterImage.Fcw), fpu.ControlWord);
        BitConverter.TryWriteBytes(image.AsSpan(RegisterImage.Fsw), fpu.StatusWord);
        image[RegisterImage.Ftw] = fpu.AbridgedTag;
        BitConverter.TryWriteBytes(image.AsSpan(RegisterImage.Mxcsr), fpu.Mxcsr);
        for (int i = 0; i < 8; i++)
        {
            fpu.Register(i).CopyTo(image.AsSpan(RegisterImage.Fpr + i * RegisterImage.FprLength));
        }

        for (int i = 0; i < 32; i++)
        {
            cpu.VectorRegister(i).CopyTo(image.AsSpan(RegisterImage.Vector + i * RegisterImage.VectorLength));
        }
    }

    /// <summary>The descriptors of the format: all flat but 63h and 6Bh, present, privilege level 3, accessed.</summary>
    static ulong Descriptor(ushort selector)
    {
        const ulong Data = 0x00CF_F300_0000_FFFF;
        return selector switch
        {
            0x23 => 0x00CF_FB00_0000_FFFF,
            0x33 => 0x00AF_FB00_0000_FFFF,
            FsSelector => WithBase(Data, 0x2000_2000),
            GsSelector => WithBase(Data, 0x2000_6000),
            _ => Data,
        };

        static ulong WithBase(ulong descriptor, uint @base) =>
            descriptor | (ulong)(@base & 0xFF_FFFF) << 16 | (ulong)(@base >> 24) << 56;
    }

    static SegmentRegister Segment(ushort selector, ulong @base)
    {
        bool isNull = selector <= 3;
        return new SegmentRegister
        {
            Selector = selector,
            Base = @base,
            Limit = isNull ? 0 : uint.MaxValue,
            Attributes = isNull ? (ushort)0 : (ushort)(Descriptor(selector) >> 40 & 0xF0FF),
        };
    }
}
