using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// Port I/O. The first execution records the access and leaves; when the embedder has served it, the instruction is executed again, finds
/// <see cref="CpuState.ExitDataReady"/> and completes.
/// </summary>
static unsafe class PortIo
{
    public static T In<T>(CpuState* s, ushort port) where T : unmanaged => TryInput(s, PortExit.Input, port, out T value) ? value : default;

    public static void Out<T>(CpuState* s, ushort port, T value) where T : unmanaged => TryOutput(s, PortExit.Output, port, value);

    /// <summary>False: the instruction cannot go on, the reason is recorded.</summary>
    public static bool TryInput<T>(CpuState* s, int kind, ushort port, out T value) where T : unmanaged
    {
        bool ready = IsReady<T>(s, kind, port, 0);
        value = ready ? Bits.Truncate<T>(s->ExitData) : default;
        return ready;
    }

    /// <inheritdoc cref="TryInput"/>
    public static bool TryOutput<T>(CpuState* s, int kind, ushort port, T value) where T : unmanaged => IsReady<T>(s, kind, port, Bits.Zero(value));

    /// <summary>#GP(0) unless port I/O is allowed.</summary>
    public static bool IsAllowed(CpuState* s)
    {
        bool allowed = SystemFlags.IsIoPrivileged(s);
        if (!allowed)
        {
            Raise.GeneralProtection(s, 0);
        }
        return allowed;
    }

    static bool IsReady<T>(CpuState* s, int kind, ushort port, ulong data) where T : unmanaged
    {
        if (!IsAllowed(s))
        {
            return false;
        }
        if (s->ExitDataReady != 0)
        {
            s->ExitDataReady = 0;
            return true;
        }
        s->ExitKind = kind;
        s->ExitPort = port;
        s->ExitSize = Unsafe.SizeOf<T>();
        s->ExitData = data;
        s->Fault = FaultCode.Io;
        return false;
    }
}
