using FastVcpu.Memory;
using FastVcpu.Privileged;

namespace FastVcpu;

/// <summary>How a memory slot behaves (<c>KVM_MEM_*</c>).</summary>
[Flags]
public enum MemorySlotOptions
{
    /// <summary>Ordinary memory.</summary>
    None = 0,
    /// <summary>Guest writes are MMIO exits (KVM_MEM_READONLY).</summary>
    ReadOnly = 2,
}

/// <summary>A virtual machine: guest physical memory in slots, and the system vCPUs that share it.</summary>
public sealed class VirtualMachine : IDisposable
{
    readonly PhysicalMemory memory = new();
    readonly List<Vcpu> cpus = [];

    /// <summary>Puts memory of the embedder at a guest physical address (as <c>KVM_SET_USER_MEMORY_REGION</c>), replacing what the slot had. It stays pinned.</summary>
    /// <param name="slot">Number of the slot, 0 or greater.</param>
    /// <param name="guestPhysical">First physical address; a multiple of 4096.</param>
    /// <param name="ram">The bytes; a multiple of 4096 long. Empty: the slot is removed.</param>
    /// <param name="options">Behaviour.</param>
    /// <exception cref="ArgumentException">Misaligned, or overlapping another slot.</exception>
    public void MapMemory(int slot, ulong guestPhysical, Memory<byte> ram, MemorySlotOptions options = MemorySlotOptions.None)
    {
        CheckRange(slot, guestPhysical, (ulong)ram.Length);
        memory.Set(slot, guestPhysical, ram.IsEmpty ? null : new MemoryBlock(ram), (options & MemorySlotOptions.ReadOnly) != 0);
    }

    /// <summary>Puts zeroed memory at a guest physical address, allocated here.</summary>
    /// <param name="slot">Number of the slot, 0 or greater.</param>
    /// <param name="guestPhysical">First physical address; a multiple of 4096.</param>
    /// <param name="size">Bytes; a multiple of 4096, not 0.</param>
    /// <param name="options">Behaviour.</param>
    /// <exception cref="ArgumentException">Misaligned, or overlapping another slot.</exception>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    public void AllocateMemory(int slot, ulong guestPhysical, ulong size, MemorySlotOptions options = MemorySlotOptions.None)
    {
        CheckRange(slot, guestPhysical, size);
        ArgumentOutOfRangeException.ThrowIfZero(size);
        memory.Set(slot, guestPhysical, new MemoryBlock(size), (options & MemorySlotOptions.ReadOnly) != 0);
    }

    /// <summary>Creates a vCPU in the state after reset: real mode, at the reset vector FFFFFFF0h.</summary>
    /// <param name="model">The instructions it has.</param>
    public Vcpu CreateVcpu(CpuModel model)
    {
        Vcpu cpu = new(model, memory, isUserMode: false);
        ResetState.Initialize(cpu);
        lock (cpus)
        {
            cpus.Add(cpu);
        }
        return cpu;
    }

    /// <summary>Reads guest physical memory as the host.</summary>
    /// <param name="guestPhysical">First physical address.</param>
    /// <param name="destination">Receives the bytes; unspecified when false is returned.</param>
    /// <returns>False when a byte is in no slot.</returns>
    public bool TryReadPhysical(ulong guestPhysical, Span<byte> destination) => memory.TryRead(guestPhysical, destination);

    /// <summary>Writes guest physical memory as the host, read-only slots too; decoded code notices.</summary>
    /// <param name="guestPhysical">First physical address.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False when a byte is in no slot; the bytes before it have been written.</returns>
    public bool TryWritePhysical(ulong guestPhysical, ReadOnlySpan<byte> source) => memory.TryWrite(guestPhysical, source);

    /// <summary>Disposes the vCPUs and returns all memory. None of them may be running.</summary>
    public void Dispose()
    {
        lock (cpus)
        {
            cpus.ForEach(cpu => cpu.Dispose());
            cpus.Clear();
        }
        memory.Dispose();
    }

    static void CheckRange(int slot, ulong guestPhysical, ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        if (guestPhysical % MemoryBlock.PageSize != 0 || size % MemoryBlock.PageSize != 0)
        {
            throw new ArgumentException($"Address {guestPhysical:x}h and size {size:x}h have to be multiples of {MemoryBlock.PageSize}.", nameof(guestPhysical));
        }
        if (guestPhysical + size < guestPhysical)
        {
            throw new ArgumentException($"{size:x}h bytes at {guestPhysical:x}h do not fit into the physical address space.", nameof(guestPhysical));
        }
    }
}
