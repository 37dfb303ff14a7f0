using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using unsafe Handler = delegate*<FastVcpu.State.CpuState*, FastVcpu.Execution.Op*, long, long>;

namespace FastVcpu.Execution;

/// <summary>
/// Finds the handler that does two neighbouring ops at once. The second op stays as it is behind the first, so whoever enters there, stops in between
/// or faults finds everything as without fusion.
/// </summary>
/// <remarks>
/// The combinations of widths, address kinds and flavours are far too many to be named in code; the few that a program needs are instantiated
/// when a block becomes hot. Where the runtime cannot do that, nothing is fused.
/// </remarks>
static unsafe class Fusion
{
    /// <summary>What was found for a pair of keys: a pure function, remembered for all CPUs.</summary>
    static readonly ConcurrentDictionary<(HandlerKey, HandlerKey), nint> Known = [];

    /// <summary>The fused handler of two ops, or null.</summary>
    public static Handler Find(HandlerKey first, HandlerKey second)
    {
        if (!CanFuse(first) || !CanFuse(second))
        {
            return null;
        }
        if (!Known.TryGetValue((first, second), out nint handler))
        {
            handler = RuntimeFeature.IsDynamicCodeSupported ? Instantiate(first, second) : 0;
            Known.TryAdd((first, second), handler);
        }
        return (Handler)handler;
    }

    static bool CanFuse(HandlerKey key) => key.Value != OpArena.StubKey && key.Flavour is Flavour.Fast or Flavour.FastDeadFlags;

    [RequiresDynamicCode("Instantiates handlers.")]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicMethods, typeof(FusedHandlers))]
    [UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "The type parameters of handlers ask for no members.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The dependency is stated above.")]
    static nint Instantiate(HandlerKey first, HandlerKey second)
    {
        if (FusionTable.Step(Variant(first)) is not { } one || FusionTable.Step(Variant(second)) is not { } two
            || typeof(FusedHandlers).GetMethod($"{one}__{two}") is not { } method)
        {
            return 0;
        }
        if (method.IsGenericMethodDefinition)
        {
            method = method.MakeGenericMethod([.. method.GetGenericArguments().Select(p => Argument(p.Name, first, second))]);
        }
        RuntimeHelpers.PrepareMethod(method.MethodHandle);
        return (nint)DirectPointer.Of((Handler)method.MethodHandle.GetFunctionPointer());
    }

    static int Variant(HandlerKey key) => key.Form * 2 + (key.IsMemory ? 1 : 0);

    /// <summary>The type argument for a parameter of a fused handler; those of the second op end in 2.</summary>
    [RequiresDynamicCode("Makes the type of a condition.")]
    static Type Argument(string parameter, HandlerKey first, HandlerKey second) => parameter switch
    {
        "TCondition" => Condition(FusionTable.Condition(second.Form)),
        _ when parameter.EndsWith('2') => Argument(parameter[..^1], second),
        _ => Argument(parameter, first),
    };

    static Type Argument(string parameter, HandlerKey key) => parameter switch
    {
        "T" => key.Width switch
        {
            0 => typeof(ushort),
            1 => typeof(uint),
            _ => typeof(ulong),
        },
        "TAddress" => key.Address switch
        {
            AddressKind.Base64 => typeof(Base64),
            AddressKind.Full64 => typeof(Full64),
            AddressKind.Flat32 => typeof(Flat32),
            AddressKind.Long32 => typeof(Long32),
            AddressKind.Segmented16 => typeof(Segmented16),
            _ => typeof(Segmented32),
        },
        "TStack" => key.Stack switch
        {
            StackKind.Stack64 => typeof(Stack64),
            StackKind.Stack32 => typeof(Stack32),
            StackKind.StackSegmented16 => typeof(StackSegmented16),
            _ => typeof(StackSegmented32),
        },
        _ => key.Flavour == Flavour.FastDeadFlags ? typeof(FastDeadFlags) : typeof(Fast),
    };

    [RequiresDynamicCode("Makes the type of a condition.")]
    [UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "The bits ask for no members.")]
    static Type Condition(int number) => typeof(Condition<,,,>).MakeGenericType([.. new[] { 3, 2, 1, 0 }.Select(bit => (number >> bit & 1) != 0 ? typeof(Bit1) : typeof(Bit0))]);
}
