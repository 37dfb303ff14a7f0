using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu;

/// <summary>The segment registers of a vCPU. Setting one sets the hidden part too; nothing is looked up in a descriptor table.</summary>
public sealed unsafe class SegmentFile
{
    readonly Vcpu cpu;

    internal SegmentFile(Vcpu cpu) => this.cpu = cpu;

    /// <summary>Extra segment.</summary>
    public SegmentRegister Es { get => this[Segmentation.Es]; set => this[Segmentation.Es] = value; }

    /// <summary>Code segment.</summary>
    public SegmentRegister Cs { get => this[Segmentation.Cs]; set => this[Segmentation.Cs] = value; }

    /// <summary>Stack segment.</summary>
    public SegmentRegister Ss { get => this[Segmentation.Ss]; set => this[Segmentation.Ss] = value; }

    /// <summary>Data segment.</summary>
    public SegmentRegister Ds { get => this[Segmentation.Ds]; set => this[Segmentation.Ds] = value; }

    /// <summary>FS.</summary>
    public SegmentRegister Fs { get => this[Segmentation.Fs]; set => this[Segmentation.Fs] = value; }

    /// <summary>GS.</summary>
    public SegmentRegister Gs { get => this[Segmentation.Gs]; set => this[Segmentation.Gs] = value; }

    /// <summary>A segment register by its number in instruction encodings: ES CS SS DS FS GS.</summary>
    /// <param name="number">0 to 5.</param>
    public SegmentRegister this[int number]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 5u, nameof(number));
            SegmentCache* segment = Segmentation.Register(cpu.State, number);
            return new SegmentRegister { Base = segment->Base, Limit = segment->Limit, Selector = segment->Selector, Attributes = segment->Attributes };
        }
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 5u, nameof(number));
            Segmentation.Set(Segmentation.Register(cpu.State, number), value.Selector, value.Base, value.Limit, value.Attributes);
            cpu.PrivilegeChanged();
        }
    }

    /// <summary>Real mode: loads the selector, base = selector × 16, as a move to the register does.</summary>
    /// <param name="number">0 to 5: ES CS SS DS FS GS.</param>
    /// <param name="selector">The paragraph number.</param>
    public void SetReal(int number, ushort selector)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 5u, nameof(number));
        Segmentation.SetReal(Segmentation.Register(cpu.State, number), selector);
        cpu.PrivilegeChanged();
    }
}
