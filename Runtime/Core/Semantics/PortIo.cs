using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// Port I/O. The first execution records the access and leaves; when the embedder has served it, the instruction is executed again, finds
/// <see cref="CpuState.ExitDataReady"/> and completes. The strings have made sure that I/O is allowed.
/// </summary>
static unsafe class PortIo
{
    public static T In<T>(CpuState* s, ushort port) where T : unmanaged => TryAccess<T>(s, IoExit.In, port, default) ? Bits.Truncate<T>(s->ExitData) : default;

    public static void Out<T>(CpuState* s, ushort port, T value) where T : unmanaged => TryAccess(s, IoExit.Out, port, value);

    /// <summary>True when the embedder has served the access; what was read is in <see cref="CpuState.ExitData"/>. False: the reason to leave is recorded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryAccess<T>(CpuState* s, int kind, ushort port, T value) where T : unmanaged
    {
        if (!IoPermission.TryCheck(s, port, Unsafe.SizeOf<T>()))
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
        s->ExitCount = 1;
        s->ExitData = Bits.Zero(value);
        s->Fault = FaultCode.Io;
        return false;
    }

    /// <summary>INS asks for up to <paramref name="run"/> elements, at least one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void RequestString<T>(CpuState* s, int kind, ulong run) where T : unmanaged => Request<T>(s, kind, run).Clear();

    /// <summary>OUTS offers elements that lie <paramref name="step"/> bytes apart; without a run, the one at <paramref name="from"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void RequestString<T>(CpuState* s, int kind, T* from, ulong run, long step) where T : unmanaged
    {
        Span<T> elements = Request<T>(s, kind, run);
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = Unsafe.ReadUnaligned<T>((byte*)from + i * step);
        }
    }

    /// <summary>The elements that INS has got.</summary>
    public static Span<T> StringData<T>(CpuState* s) where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(Vcpu.Of(s).BeginPortString())[..s->ExitCount];

    static Span<T> Request<T>(CpuState* s, int kind, ulong run) where T : unmanaged
    {
        s->ExitKind = kind;
        s->ExitPort = (ushort)s->Rdx;
        s->ExitSize = Unsafe.SizeOf<T>();
        s->ExitCount = (int)Math.Clamp(run, 1, (ulong)(IoExit.MaxStringBytes / Unsafe.SizeOf<T>()));
        s->Fault = FaultCode.Io;
        return StringData<T>(s);
    }
}
