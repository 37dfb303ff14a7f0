using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

/// <summary>Fused multiplications of the lowest elements; the others of 128 bits stay in the destination.</summary>
static unsafe class FusedScalar
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, TFlavour>(CpuState* s, V128 a, uint b, uint c, out V128 r) where TOp : struct, IFloatOperation where TFlavour : struct, IFlavour
    {
        bool isDone = Float.Map<TOp, float, TFlavour>(s, a.AsUInt32().ToScalar(), b, c, out uint low);
        r = a.AsUInt32().WithElement(0, low).AsByte();
        return isDone;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Map<TOp, TFlavour>(CpuState* s, V128 a, ulong b, ulong c, out V128 r) where TOp : struct, IFloatOperation where TFlavour : struct, IFlavour
    {
        bool isDone = Float.Map<TOp, double, TFlavour>(s, a.AsUInt64().ToScalar(), b, c, out ulong low);
        r = a.AsUInt64().WithElement(0, low).AsByte();
        return isDone;
    }
}
