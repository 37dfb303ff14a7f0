using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// Port I/O. The first execution records the access and leaves; when the embedder has served it, the instruction is executed again, finds
/// <see cref="CpuState.ExitDataReady"/> and completes.
/// </summary>
static unsafe class PortIo
{
    public static T In<T>(CpuState* s, ushort port) where T : unmanaged => TryAccess<T>(s, IoExit.In, port, default) ? Bits.Truncate<T>(s->ExitData) : default;

    public static void Out<T>(CpuState* s, ushort port, T value) where T : unmanaged => TryAccess(s, IoExit.Out, port, value);

    /// <summary>True when the embedder has served the access; what was read is in <see cref="CpuState.ExitData"/>. False: the reason to leave is recorded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryAccess<T>(CpuState* s, int kind, ushort port, T value) where T : unmanaged
    {
        if (!FlagOps.IsIoAllowed(s))
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
        s->ExitData = Bits.Zero(value);
        s->Fault = FaultCode.Io;
        return false;
    }
}
