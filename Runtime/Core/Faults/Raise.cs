using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Faults;

/// <summary>Records a fault of the running instruction. The handler then leaves by <see cref="Execution.Leave.Fault"/> and commits nothing.</summary>
/// <remarks>Inlined: a call, even of what hardly ever happens, would cost every handler that has it a stack frame.</remarks>
static unsafe class Raise
{
    /// <summary>Records exception <paramref name="vector"/>; a fault recorded earlier by the same instruction stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exception(CpuState* s, int vector, uint errorCode)
    {
        if (s->Fault == FaultCode.None)
        {
            s->Fault = FaultCode.ExceptionBase + vector;
            s->FaultErrorCode = errorCode;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DivideError(CpuState* s) => Exception(s, FaultCode.DivideError, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void InvalidOpcode(CpuState* s) => Exception(s, FaultCode.InvalidOpcode, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DeviceNotAvailable(CpuState* s) => Exception(s, FaultCode.DeviceNotAvailable, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SimdFloatingPoint(CpuState* s) => Exception(s, FaultCode.SimdFloatingPoint, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BoundRange(CpuState* s) => Exception(s, FaultCode.BoundRange, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void GeneralProtection(CpuState* s, uint errorCode) => Exception(s, FaultCode.GeneralProtection, errorCode);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StackFault(CpuState* s, uint errorCode) => Exception(s, FaultCode.StackFault, errorCode);

    /// <summary>#PF with CR2 = <paramref name="address"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PageFault(CpuState* s, ulong address, uint errorCode)
    {
        if (s->Fault == FaultCode.None)
        {
            s->FaultAddress = address;
            Exception(s, FaultCode.PageFault, errorCode);
        }
    }
}
