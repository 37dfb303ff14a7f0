using System.Buffers.Binary;

namespace FastVcpu.Fuzz.Code;

/// <summary>A virtual CPU that runs cases of one kind.</summary>
sealed class GuestCpu : IDisposable
{
    /// <summary>More than any case has that ends at all.</summary>
    public const long Limit = 20_000;

    /// <summary>As much as a reference may run while a case counts as one that ends.</summary>
    public const long LongLimit = 10_000_000;

    const int GeneralProtection = 13, PageFault = 14;
    const int FxControl = 0, FxStatus = 2, FxTag = 4, FxMxcsr = 24, FxStack = 32, FxVectors = 160;

    readonly AddressSpace space = new();
    readonly Vcpu cpu;
    readonly CodeKind kind;

    public GuestCpu(CodeKind kind, CpuModel model)
    {
        this.kind = kind;
        space.Map(TestCase.CodeStart, TestCase.CodeSize, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        space.Map(TestCase.DataStart, TestCase.DataSize, PagePermissions.Read | PagePermissions.Write);
        space.Map(TestCase.StackStart, TestCase.StackSize, PagePermissions.Read | PagePermissions.Write);
        cpu = new Vcpu(model, space, kind == CodeKind.Long ? CodeSize.Bits64 : CodeSize.Bits32);
    }

    /// <summary>Runs a case; it becomes what is left of it.</summary>
    /// <param name="test">The case.</param>
    /// <param name="run">Runs the CPU until something else than a limit ends the run, or <see cref="Limit"/> instructions have retired.</param>
    /// <returns>Instructions retired.</returns>
    public long Run(ref TestCase test, Func<Vcpu, (VcpuExit Exit, long Retired)> run)
    {
        space.Write(TestCase.CodeStart, test.Code);
        space.Write(TestCase.DataStart, test.Data);
        space.Write(TestCase.StackStart, test.Stack);
        Set(in test.State);
        (VcpuExit exit, long retired) = run(cpu);
        Get(ref test.State);
        SetEnd(ref test.State, exit);
        space.Read(TestCase.CodeStart, test.Code);
        space.Read(TestCase.DataStart, test.Data);
        space.Read(TestCase.StackStart, test.Stack);
        return retired;
    }

    public void Dispose()
    {
        cpu.Dispose();
        space.Dispose();
    }

    void SetEnd(ref MachineState state, in VcpuExit exit)
    {
        state.ErrorCode = 0;
        state.Address = 0;
        switch (exit.Reason)
        {
            case ExitReason.Exception:
                state.Vector = (uint)exit.Vector;
                state.ErrorCode = exit.ErrorCode;
                state.Address = exit.Vector == PageFault ? exit.Address : 0;
                break;
            case ExitReason.SoftwareInterrupt:
                // The host's system has no gate for it.
                state.Vector = GeneralProtection;
                state.ErrorCode = (uint)exit.Vector << 3 | 2;
                break;
            case ExitReason.SystemCall or ExitReason.SystemEnter:
                state.Vector = MachineState.EndedBySystemCall;
                break;
            default:
                state.Vector = exit.Reason == ExitReason.InstructionLimit ? MachineState.EndedByLimit : MachineState.EndedOtherwise;
                break;
        }
    }

    void Set(in MachineState state)
    {
        for (int i = 0; i < 16; i++)
        {
            cpu.Regs[i] = state.Gpr[i];
        }
        SetSegments(in state);
        cpu.Regs.Rip = state.Rip;
        cpu.Regs.Rflags = state.Rflags;
        ReadOnlySpan<byte> fx = state.Fx;
        cpu.Fpu.ControlWord = BinaryPrimitives.ReadUInt16LittleEndian(fx[FxControl..]);
        ushort status = BinaryPrimitives.ReadUInt16LittleEndian(fx[FxStatus..]);
        cpu.Fpu.StatusWord = status;
        cpu.Fpu.AbridgedTag = fx[FxTag];
        cpu.Fpu.Mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(fx[FxMxcsr..]);
        for (int i = 0; i < 8; i++)
        {
            fx.Slice(FxStack + i * 16, 10).CopyTo(cpu.Fpu.Register((status >> 11) + i & 7));
        }
        for (int i = 0; i < 16; i++)
        {
            Span<byte> vector = cpu.VectorRegister(i);
            fx.Slice(FxVectors + i * 16, 16).CopyTo(vector);
            ((ReadOnlySpan<byte>)state.Upper).Slice(i * 16, 16).CopyTo(vector[16..]);
            vector[32..].Clear();
        }
    }

    void Get(ref MachineState state)
    {
        for (int i = 0; i < 16; i++)
        {
            state.Gpr[i] = cpu.Regs[i];
        }
        state.Rip = cpu.Regs.Rip;
        state.Rflags = cpu.Regs.Rflags;
        state.FsBase = cpu.Segments.Fs.Base;
        state.GsBase = cpu.Segments.Gs.Base;
        Span<byte> fx = state.Fx;
        ushort status = cpu.Fpu.StatusWord;
        BinaryPrimitives.WriteUInt16LittleEndian(fx[FxControl..], cpu.Fpu.ControlWord);
        BinaryPrimitives.WriteUInt16LittleEndian(fx[FxStatus..], status);
        fx[FxTag] = cpu.Fpu.AbridgedTag;
        BinaryPrimitives.WriteUInt32LittleEndian(fx[FxMxcsr..], cpu.Fpu.Mxcsr);
        for (int i = 0; i < 8; i++)
        {
            cpu.Fpu.Register((status >> 11) + i & 7).CopyTo(fx[(FxStack + i * 16)..]);
        }
        for (int i = 0; i < 16; i++)
        {
            cpu.VectorRegister(i)[..16].CopyTo(fx[(FxVectors + i * 16)..]);
            cpu.VectorRegister(i)[16..32].CopyTo(((Span<byte>)state.Upper)[(i * 16)..]);
        }
    }

    void SetSegments(in MachineState state)
    {
        const ushort Code64 = 0xA0FB, Code32 = 0xC0FB, Data32 = 0xC0F3, Code16 = 0x00FB, Data16 = 0x00F3, ExpandDown16 = 0x00F7;
        SegmentFile segments = cpu.Segments;
        switch (kind)
        {
            case CodeKind.Long:
                segments.Cs = Flat(0x33, Code64);
                segments.Ss = Flat(0x2B, Data32);
                segments.Ds = segments.Es = default;
                segments.Fs = new SegmentRegister { Base = state.FsBase };
                segments.Gs = new SegmentRegister { Base = state.GsBase };
                break;
            case CodeKind.Compatibility:
                segments.Cs = Flat(0x23, Code32);
                segments.Ss = segments.Ds = segments.Es = Flat(0x2B, Data32);
                segments.Fs = Flat(0x63, Data32) with { Base = state.FsBase };
                segments.Gs = Flat(0x6B, Data32) with { Base = state.GsBase };
                break;
            default:
                segments.Cs = new SegmentRegister { Selector = 0x07, Attributes = Code16, Base = TestCase.CodeStart, Limit = TestCase.CodeSize - 1 };
                segments.Ss = new SegmentRegister { Selector = 0x0F, Attributes = Data16, Base = TestCase.StackStart, Limit = TestCase.StackSize - 1 };
                SegmentRegister data = new() { Selector = 0x17, Attributes = Data16, Base = TestCase.DataStart, Limit = TestCase.DataSize - 1 };
                segments.Ds = segments.Es = segments.Fs = data;
                segments.Gs = data with { Selector = 0x1F, Attributes = ExpandDown16, Limit = TestCase.ExpandDownLimit };
                break;
        }
    }

    static SegmentRegister Flat(ushort selector, ushort attributes) => new() { Selector = selector, Attributes = attributes, Limit = uint.MaxValue };
}
