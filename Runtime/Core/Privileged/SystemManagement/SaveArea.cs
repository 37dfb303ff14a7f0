using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.SystemManagement;

/// <summary>
/// The state save area, 512 bytes below SMBASE + 64 KiB. One list of fields serves both directions: each names an offset and a field of the state, and is
/// written to the area or read from it.
/// </summary>
unsafe ref struct SaveArea(Span<byte> bytes, bool isSave)
{
    public const int Size = 0x200;

    /// <summary>Offset of the area from SMBASE.</summary>
    public const ulong Offset = 0xFE00;

    /// <summary>CR0, CR3, CR4, EFER, RFLAGS and SMBASE: what has to be checked before it is loaded.</summary>
    public ulong Cr0, Cr3, Cr4, Efer, Flags, SmBase;

    readonly Span<byte> bytes = bytes;

    public readonly bool IsSave { get; } = isSave;

    public readonly void Field<T>(int at, ref T field) where T : unmanaged
    {
        Span<byte> place = bytes.Slice(at - 0xFE00, Unsafe.SizeOf<T>());
        if (IsSave)
        {
            Unsafe.WriteUnaligned(ref place[0], field);
        }
        else
        {
            field = Unsafe.ReadUnaligned<T>(ref place[0]);
        }
    }

    /// <summary>A register of 64 bits that the area holds 32 bits of.</summary>
    public readonly void Half(int at, ref ulong field)
    {
        uint half = (uint)field;
        Field(at, ref half);
        field = half;
    }

    /// <summary>The fields of the area that are not registers.</summary>
    public readonly void Put<T>(int at, T value) where T : unmanaged
    {
        if (IsSave)
        {
            Field(at, ref value);
        }
    }
}
