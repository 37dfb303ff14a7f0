using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>GDTR, IDTR, LDTR and TR.</summary>
static unsafe class DescriptorRegisters
{
    /// <summary>The base that an operand size of 16 loads.</summary>
    const uint Base24 = 0xFFFFFF;

    const uint LimitSize = sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadGlobal<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryLoad<TAddress>(s, op, uint.MaxValue, &s->GdtBase, &s->GdtLimit) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadGlobal16<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryLoad<TAddress>(s, op, Base24, &s->GdtBase, &s->GdtLimit) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadInterrupt<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryLoad<TAddress>(s, op, uint.MaxValue, &s->IdtBase, &s->IdtLimit) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadInterrupt16<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryLoad<TAddress>(s, op, Base24, &s->IdtBase, &s->IdtLimit) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreGlobal<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryWritePseudoDescriptor<TAddress>(s, op, s->GdtBase, (ushort)s->GdtLimit) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreInterrupt<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryWritePseudoDescriptor<TAddress>(s, op, s->IdtBase, (ushort)s->IdtLimit) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    /// <summary>LLDT.</summary>
    public static void LoadLocal(CpuState* s, ushort selector)
    {
        if (DescriptorTable.IsNull(selector))
        {
            Segmentation.Set(&s->Ldtr, selector, 0, 0, 0);
        }
        else if (TryReadSystem(s, selector, SystemType.Ldt, SystemType.Ldt, out Descriptor descriptor))
        {
            s->Ldtr = descriptor.ToCache(selector);
        }
    }

    /// <summary>LTR.</summary>
    public static void LoadTask(CpuState* s, ushort selector)
    {
        if (DescriptorTable.IsNull(selector))
        {
            Raise.GeneralProtection(s, 0);
            return;
        }
        int narrow = ProtectionMode.IsLong(s) ? SystemType.AvailableTss32 : SystemType.AvailableTss16;
        if (TryReadSystem(s, selector, narrow, SystemType.AvailableTss32, out Descriptor descriptor) && DescriptorTable.TrySetBusy(s, selector, busy: true))
        {
            s->Tr = descriptor.ToCache(selector);
            s->Tr.Attributes |= SystemType.Busy;
        }
    }

    /// <summary>SLDT to a register.</summary>
    public static T StoreLocal<T>(CpuState* s) where T : unmanaged
    {
        CheckUserAccess(s);
        return Bits.Truncate<T>(s->Ldtr.Selector);
    }

    /// <summary>STR to a register.</summary>
    public static T StoreTask<T>(CpuState* s) where T : unmanaged
    {
        CheckUserAccess(s);
        return Bits.Truncate<T>(s->Tr.Selector);
    }

    /// <summary>SLDT to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreLocalTo<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryStoreWord<TAddress>(s, op, s->Ldtr.Selector) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    /// <summary>STR to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreTaskTo<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        TryStoreWord<TAddress>(s, op, s->Tr.Selector) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    /// <summary>SLDT, STR and SMSW to memory: what user-mode instruction prevention forbids comes before the faults of the operand.</summary>
    public static bool TryStoreWord<TAddress>(CpuState* s, Op* op, ushort value) where TAddress : struct, IAddress =>
        CheckUserAccess(s) && TryStore(s, op, TAddress.LinearForWrite(s, op, sizeof(ushort), 0), value);

    /// <summary>User-mode instruction prevention: #GP(0) above CPL 0.</summary>
    public static bool CheckUserAccess(CpuState* s)
    {
        bool allowed = s->Cpl == 0 || (s->Cr4 & Cr4.UserModeInstructionPrevention) == 0;
        if (!allowed)
        {
            Raise.GeneralProtection(s, 0);
        }
        return allowed;
    }

    static bool TryReadSystem(CpuState* s, ushort selector, int type, int otherType, out Descriptor descriptor)
    {
        descriptor = default;
        uint error = DescriptorTable.ErrorCode(selector);
        if (!DescriptorTable.IsLocal(selector) && !DescriptorTable.TryRead(s, selector, FaultCode.GeneralProtection, out descriptor))
        {
            return false;
        }
        if (!descriptor.IsSystem || (descriptor.Type != type && descriptor.Type != otherType))
        {
            Raise.GeneralProtection(s, error);
            return false;
        }
        if (!descriptor.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, error);
            return false;
        }
        if (!SlowPath.IsCanonical(s, descriptor.Base))
        {
            Raise.GeneralProtection(s, error);
            return false;
        }
        return true;
    }

    /// <summary>Loads a table register from a pseudo-descriptor. Of a load that faults it sees nothing.</summary>
    static bool TryLoad<TAddress>(CpuState* s, Op* op, uint baseMask, ulong* tableBase, uint* tableLimit) where TAddress : struct, IAddress
    {
        bool is64 = Is64(s);
        uint size = is64 ? 8u : 4;
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, LimitSize, 0), LimitSize);
        if (p == null)
        {
            return false;
        }
        ushort limit = Unsafe.ReadUnaligned<ushort>(p);
        p = SlowPath.Read(s, op, TAddress.Linear(s, op, size, LimitSize), size);
        if (p == null)
        {
            return false;
        }
        ulong address = is64 ? Unsafe.ReadUnaligned<ulong>(p) : Unsafe.ReadUnaligned<uint>(p) & baseMask;
        if (!SlowPath.IsCanonical(s, address) && is64)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        *tableBase = address;
        *tableLimit = limit;
        return true;
    }

    static bool TryWritePseudoDescriptor<TAddress>(CpuState* s, Op* op, ulong tableBase, ushort limit) where TAddress : struct, IAddress
    {
        if (!CheckUserAccess(s))
        {
            return false;
        }
        // Both parts are known to be writable before the first is written.
        bool is64 = Is64(s);
        uint size = is64 ? 8u : 4;
        ulong first = TAddress.LinearForWrite(s, op, LimitSize, 0), second = TAddress.LinearForWrite(s, op, size, LimitSize);
        if (SlowPath.Write(s, op, second, size, locked: false) == null)
        {
            return false;
        }
        return TryStore(s, op, first, limit) && (is64 ? TryStore(s, op, second, tableBase) : TryStore(s, op, second, (uint)tableBase));
    }

    static bool TryStore<T>(CpuState* s, Op* op, ulong address, T value) where T : unmanaged
    {
        byte* p = Access.Write<T, Careful>(s, op, address);
        if (p == null)
        {
            return false;
        }
        Unsafe.WriteUnaligned(p, value);
        return Access.Commit<T, Careful>(s, op, address, p);
    }

    static bool Is64(CpuState* s) => (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
}
