using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;
using unsafe Handler = delegate*<FastVcpu.State.CpuState*, FastVcpu.Execution.Op*, long, long>;

namespace FastVcpu.Execution;

/// <summary>
/// Finds the handler that does two neighbouring ops at once. The second op stays as it is behind the first, so whoever enters there, stops in between
/// or faults finds everything as without fusion.
/// </summary>
/// <remarks>
/// The combinations of widths, address kinds and flavours are far too many to be named in code; the few that a program needs are instantiated
/// when a block becomes hot, on a thread of the pool while the block goes on as it is. Where the runtime cannot do that, nothing is fused.
/// </remarks>
static unsafe class Fusion
{
    /// <summary>Stands in <see cref="Known"/> for a handler that is being compiled.</summary>
    const nint Ordered = -1;

    /// <summary>What was found for a pair of keys: a pure function, remembered for all CPUs.</summary>
    static readonly ConcurrentDictionary<Pair, nint> Known = [];

    /// <summary>All that the choice of a handler depends on. The first key of a handler for an op that records coverage and one behind it is that of a stub.</summary>
    readonly record struct Pair(HandlerKey First, HandlerKey Second, Link Link, Front Front);

    /// <summary>Finds the handler for an op and the one behind it, or null. False: it is being compiled on another thread; the caller asks again later.</summary>
    /// <param name="op">The first op.</param>
    /// <param name="waits">It is compiled at once, on this thread.</param>
    /// <param name="fused">The handler.</param>
    /// <param name="front">What the op in front of these two records, for which the handler is then.</param>
    public static bool TryFind(Op* op, bool waits, out Handler fused, Front front = Front.Nothing)
    {
        HandlerKey first = CodeRegion.Key(op), second = CodeRegion.Key(op + 1);
        return TryFind(new Pair(first, second, LinkOf(op, first, second), front), CanFuse(first) && CanFuse(second), waits, out fused);
    }

    /// <summary>Finds the handler for an op that records coverage and the one behind it, or null. False: it is being compiled.</summary>
    public static bool TryFindSingle(Op* behind, bool waits, out Handler fused, Front front)
    {
        HandlerKey key = CodeRegion.Key(behind), none = new(OpArena.StubKey);
        return TryFind(new Pair(none, key, Link.None, front), CanFuse(key), waits, out fused);
    }

    static bool TryFind(Pair pair, bool canFuse, bool waits, out Handler fused)
    {
        fused = null;
        if (!RuntimeFeature.IsDynamicCodeSupported)
        {
            return true;
        }
        if (!canFuse || FirstStep(pair) == null || SecondStep(pair) == null)
        {
            return true;
        }
        if (!Known.TryGetValue(pair, out nint handler))
        {
            handler = Ordered;
            if (!waits && Known.TryAdd(pair, Ordered))
            {
                ThreadPool.UnsafeQueueUserWorkItem(Instantiate, pair, preferLocal: false);
            }
        }
        if (handler == Ordered && waits)
        {
            Instantiate(pair);
            handler = Known[pair];
        }
        fused = handler == Ordered ? null : (Handler)handler;
        return handler != Ordered;
    }

    [RequiresDynamicCode("Instantiates handlers.")]
    static void Instantiate(Pair pair) => Known[pair] = Make(pair);

    static string? FirstStep(Pair pair) => pair.First.Value == OpArena.StubKey ? "Coverage" : FusionTable.Step(Variant(pair.First));

    static string? SecondStep(Pair pair) => FusionTable.Step(Variant(pair.Second));

    /// <summary>Where the second op uses the register that the first one has written in full.</summary>
    static Link LinkOf(Op* op, HandlerKey first, HandlerKey second)
    {
        int result = FusionTable.Result(Variant(first)) switch
        {
            1 => op->R1,
            2 => op->R2,
            _ => -1,
        };
        bool isPart = result is >= CpuState.GprOffset and < CpuState.ZeroOffset && first.Width == 0;
        if (result < 0 || isPart || (second.IsMemory && second.Address > AddressKind.Flat32))
        {
            return Link.None;
        }
        Op* next = op + 1;
        int reads = Math.Max(0, FusionTable.Reads(Variant(second)));
        return second.IsMemory && next->Base == result ? Link.Base
            : second.IsMemory && next->Index == result ? Link.Index
            : (reads & 1) != 0 && next->R1 == result ? Link.Operand1
            : (reads & 2) != 0 && next->R2 == result ? Link.Operand2
            : Link.None;
    }

    static bool CanFuse(HandlerKey key) => key.Value != OpArena.StubKey && key.Flavour is Flavour.Fast or Flavour.FastDeadFlags;

    [RequiresDynamicCode("Instantiates handlers.")]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicMethods, typeof(FusedHandlers))]
    [UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "The type parameters of handlers ask for no members.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The dependency is stated above.")]
    static nint Make(Pair pair)
    {
        if (typeof(FusedHandlers).GetMethod($"{FirstStep(pair)}__{SecondStep(pair)}") is not { } method)
        {
            return 0;
        }
        HandlerKey first = pair.First.Value == OpArena.StubKey ? pair.Second : pair.First;
        if (method.IsGenericMethodDefinition)
        {
            method = method.MakeGenericMethod([.. method.GetGenericArguments().Select(p => Argument(p.Name, first, pair))]);
        }
        RuntimeHelpers.PrepareMethod(method.MethodHandle);
        return (nint)DirectPointer.Of((Handler)method.MethodHandle.GetFunctionPointer());
    }

    static int Variant(HandlerKey key) => key.Form * 2 + (key.IsMemory ? 1 : 0);

    /// <summary>The type argument for a parameter of a fused handler; those of the second op end in 2.</summary>
    [RequiresDynamicCode("Makes the type of a condition.")]
    static Type Argument(string parameter, HandlerKey first, Pair pair) => parameter switch
    {
        "TFront" => pair.Front switch
        {
            Front.Nothing => typeof(NoFront),
            Front.Edges => typeof(EdgeFront),
            _ => typeof(BlockFront),
        },
        "TLink" => pair.Link switch
        {
            Link.None => typeof(Unlinked),
            Link.Operand1 => typeof(LinkedOperand1),
            Link.Operand2 => typeof(LinkedOperand2),
            Link.Base => typeof(LinkedBase),
            _ => typeof(LinkedIndex),
        },
        "TCondition" => Condition(FusionTable.Condition(pair.Second.Form)),
        _ when parameter.EndsWith('2') => Argument(parameter[..^1], pair.Second),
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
            AddressKind.Base32 => typeof(Base32),
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
