using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FastVcpu.Machine.Boot;

/// <summary>A number for the state of a whole machine: two runs that have the same one have gone the same way.</summary>
static class MachineHash
{
    const int PieceSize = 1 << 20, VectorRegisters = 16, FpuRegisters = 8;

    public static string Of(VirtualMachine vm, MemoryMap map, IReadOnlyList<Vcpu> processors)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = new byte[PieceSize];
        foreach ((ulong start, ulong size, _) in map.Regions)
        {
            for (ulong at = 0; at < size; at += PieceSize)
            {
                Span<byte> part = piece.AsSpan(0, (int)Math.Min(PieceSize, size - at));
                vm.TryReadPhysical(start + at, part);
                hash.AppendData(part);
            }
        }
        foreach (Vcpu cpu in processors)
        {
            Add(hash, cpu);
        }
        Add(hash, vm.Clock.Now);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    static void Add(IncrementalHash hash, Vcpu cpu)
    {
        Add(hash, cpu.Registers);
        Add(hash, cpu.SystemRegisters);
        Add(hash, cpu.DebugRegisters);
        Add(hash, cpu.Events);
        for (int i = 0; i < VectorRegisters; i++)
        {
            hash.AppendData(cpu.VectorRegister(i));
        }
        for (int i = 0; i < FpuRegisters; i++)
        {
            hash.AppendData(cpu.Fpu.Register(i));
        }
        foreach (uint index in cpu.MsrIndices)
        {
            cpu.TryGetMsr(index, out ulong value);
            Add(hash, (long)value);
        }
    }

    static void Add(IncrementalHash hash, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }

    /// <summary>Records of numbers print all of themselves.</summary>
    static void Add<T>(IncrementalHash hash, T record)
        where T : struct => hash.AppendData(MemoryMarshal.AsBytes((record.ToString() ?? "").AsSpan()));
}
