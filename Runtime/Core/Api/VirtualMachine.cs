using FastVcpu.Devices;
using FastVcpu.Memory;
using FastVcpu.Privileged;

namespace FastVcpu;

/// <summary>How a memory slot behaves (<c>KVM_MEM_*</c>).</summary>
[Flags]
public enum MemorySlotOptions
{
    /// <summary>Ordinary memory.</summary>
    None = 0,
    /// <summary>The pages that guests write are recorded (KVM_MEM_LOG_DIRTY_PAGES): <see cref="VirtualMachine.GetDirtyLog"/>.</summary>
    LogDirtyPages = 1,
    /// <summary>Guest writes are MMIO exits (KVM_MEM_READONLY).</summary>
    ReadOnly = 2,
}

/// <summary>A virtual machine: guest physical memory in slots, and the system vCPUs that share it.</summary>
public sealed partial class VirtualMachine : IDisposable
{
    readonly PhysicalMemory memory = new();
    const int PortCount = 0x10000;

    readonly List<Vcpu> cpus = [];

    /// <summary>The vCPUs, by number.</summary>
    public IReadOnlyList<Vcpu> Vcpus => cpus;

    /// <summary>Creates a machine without memory and without vCPUs, in real time.</summary>
    public VirtualMachine()
        : this(new RealClock())
    {
    }

    /// <summary>Creates a machine without memory and without vCPUs.</summary>
    /// <param name="clock">Its time.</param>
    public VirtualMachine(Clock clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        Clock = clock;
        AddState("clock", clock);
    }

    /// <summary>The time that the vCPUs see, and whose timers the controllers use. Devices of an embedder use it too.</summary>
    public Clock Clock { get; }

    internal DeviceMap Ports { get; } = new();

    internal DeviceMap MemoryDevices { get; } = new();

    /// <summary>Puts memory of the embedder at a guest physical address (as <c>KVM_SET_USER_MEMORY_REGION</c>), replacing what the slot had. It stays pinned.</summary>
    /// <param name="slot">Number of the slot, 0 or greater.</param>
    /// <param name="guestPhysical">First physical address; a multiple of 4096.</param>
    /// <param name="ram">The bytes; a multiple of 4096 long. Empty: the slot is removed.</param>
    /// <param name="options">Behaviour.</param>
    /// <exception cref="ArgumentException">Misaligned, or overlapping another slot.</exception>
    public void MapMemory(int slot, ulong guestPhysical, Memory<byte> ram, MemorySlotOptions options = MemorySlotOptions.None)
    {
        CheckRange(slot, guestPhysical, (ulong)ram.Length);
        SetMemory(slot, guestPhysical, ram.IsEmpty ? null : new MemoryBlock(ram), options);
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
        SetMemory(slot, guestPhysical, new MemoryBlock(size), options);
    }

    /// <summary>Changes how a slot behaves. A dirty log that begins is empty.</summary>
    /// <param name="slot">Number of an existing slot.</param>
    /// <param name="options">Behaviour.</param>
    /// <exception cref="ArgumentException">There is no such slot (ENOENT), or an option is unknown.</exception>
    public void SetMemoryOptions(int slot, MemorySlotOptions options)
    {
        CheckOptions(options);
        if (!memory.TrySetOptions(slot, (options & MemorySlotOptions.ReadOnly) != 0, (options & MemorySlotOptions.LogDirtyPages) != 0))
        {
            throw new ArgumentException($"There is no slot {slot}.", nameof(slot));
        }
    }

    /// <summary>Removes a slot (a region of size 0 in KVM). Nothing happens when there is none.</summary>
    /// <param name="slot">Its number.</param>
    public void RemoveMemory(int slot) => memory.Set(slot, 0, null, false);

    /// <summary>
    /// Gets the pages of a slot that guests have written since the last call, and forgets them (KVM_GET_DIRTY_LOG). What the embedder writes is not
    /// recorded.
    /// </summary>
    /// <param name="slot">A slot with <see cref="MemorySlotOptions.LogDirtyPages"/>.</param>
    /// <returns>One bit for each page, the first page in bit 0 of the first byte.</returns>
    /// <exception cref="ArgumentException">There is no such slot, or no log of it (ENOENT).</exception>
    public byte[] GetDirtyLog(int slot)
    {
        byte[] bitmap = new byte[(memory.SizeOf(slot) / MemoryBlock.PageSize + 7) / 8];
        return memory.TryTakeLog(slot, bitmap) ? bitmap : throw new ArgumentException($"There is no dirty log of slot {slot}.", nameof(slot));
    }

    /// <summary>Puts a device behind ports. An access that begins in its range goes to it instead of ending the run.</summary>
    /// <param name="first">First port.</param>
    /// <param name="count">Number of ports.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">The range is empty, does not fit, or overlaps another device's.</exception>
    public void AttachPorts(ushort first, int count, IDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (count <= 0 || first + count > PortCount || !Ports.TryAdd(first, (ulong)count, device))
        {
            throw new ArgumentException($"{count} ports from {first:x}h on are not free.", nameof(first));
        }
    }

    /// <summary>Puts a device behind physical addresses where no memory is. An access that begins in its range goes to it instead of ending the run.</summary>
    /// <param name="guestPhysical">First address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">The range is empty, does not fit, or overlaps another device's.</exception>
    public void AttachMemory(ulong guestPhysical, ulong size, IDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (size == 0 || guestPhysical + size < guestPhysical || !MemoryDevices.TryAdd(guestPhysical, size, device))
        {
            throw new ArgumentException($"{size:x}h bytes at {guestPhysical:x}h are not free.", nameof(guestPhysical));
        }
    }

    /// <summary>Takes a device away from all its ports and addresses.</summary>
    /// <param name="device">The device.</param>
    public void Detach(IDevice device)
    {
        Ports.Remove(device);
        MemoryDevices.Remove(device);
    }

    /// <summary>Ends the runs of all vCPUs with <see cref="ExitReason.SystemEvent"/>: for devices that power off or reset the machine. From any thread.</summary>
    /// <param name="type">What is asked for.</param>
    /// <param name="data">What the device adds.</param>
    public void RequestSystemEvent(SystemEventType type, ulong data = 0)
    {
        lock (cpus)
        {
            cpus.ForEach(cpu => cpu.RequestSystemEvent(type, data));
        }
    }

    /// <summary>
    /// Creates a vCPU in the state after reset: real mode, at the reset vector FFFFFFF0h. They are numbered from 0 on; with local APICs in the core all but the first wait
    /// to be started.
    /// </summary>
    /// <param name="model">The instructions it has.</param>
    public Vcpu CreateVcpu(CpuModel model)
    {
        lock (cpus)
        {
            Vcpu cpu = new(model, memory, this, Clock, cpus.Count);
            ResetState.Initialize(cpu);
            cpu.MpState = cpu.Apic == null || cpu.IsBootstrap ? MpState.Runnable : MpState.Uninitialized;
            cpus.Add(cpu);
            AddState($"processor {cpu.Id}: {model.Name} {model.Features.High:x}{model.Features.Low:x16}", cpu);
            return cpu;
        }
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
        IrqChip?.Dispose();
        lock (cpus)
        {
            cpus.ForEach(cpu => cpu.Dispose());
            cpus.Clear();
        }
        memory.Dispose();
    }

    void SetMemory(int slot, ulong guestPhysical, MemoryBlock? block, MemorySlotOptions options)
    {
        CheckOptions(options);
        if (block != null && (options & MemorySlotOptions.LogDirtyPages) != 0)
        {
            block.Log = new DirtyLog(block.Size);
        }
        memory.Set(slot, guestPhysical, block, (options & MemorySlotOptions.ReadOnly) != 0);
    }

    static void CheckOptions(MemorySlotOptions options)
    {
        if ((options & ~(MemorySlotOptions.ReadOnly | MemorySlotOptions.LogDirtyPages)) is var unknown and not 0)
        {
            throw new ArgumentException($"Memory slot options {(int)unknown:x}h do not exist.", nameof(options));
        }
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
