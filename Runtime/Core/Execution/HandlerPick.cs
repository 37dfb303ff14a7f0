using FastVcpu.Memory;
using FastVcpu.State;
using unsafe Handler = delegate*<FastVcpu.State.CpuState*, FastVcpu.Execution.Op*, long, long>;

namespace FastVcpu.Execution;

/// <summary>A form as the generated table knows it: its handler for registers. A type parameter that the handler does not have is ignored.</summary>
unsafe interface IRegisterForm
{
    static abstract Handler Register<T, TFlavour>() where T : unmanaged where TFlavour : struct, IFlavour;
}

/// <summary>A form that also has a handler for memory.</summary>
unsafe interface IMemoryForm : IRegisterForm
{
    static abstract Handler Memory<T, TAddress, TFlavour>() where T : unmanaged where TAddress : struct, IAddress where TFlavour : struct, IFlavour;
}

/// <summary>A form that uses the stack; without memory operand its memory handler is null.</summary>
unsafe interface IStackForm
{
    static abstract Handler Register<T, TStack, TFlavour>() where T : unmanaged where TStack : struct, IStack where TFlavour : struct, IFlavour;

    static abstract Handler Memory<T, TAddress, TStack, TFlavour>()
        where T : unmanaged where TAddress : struct, IAddress where TStack : struct, IStack where TFlavour : struct, IFlavour;
}

/// <summary>
/// The choices of a <see cref="HandlerKey"/> below its form. One small method a choice, so that a start compiles only what it uses; written once
/// for all forms, which only state their handlers.
/// </summary>
static unsafe class HandlerPick
{
    /// <summary>A stack form with its stack kind chosen.</summary>
    readonly struct With<TForm, TStack> : IMemoryForm where TForm : struct, IStackForm where TStack : struct, IStack
    {
        static Handler IRegisterForm.Register<T, TFlavour>() => TForm.Register<T, TStack, TFlavour>();

        static Handler IMemoryForm.Memory<T, TAddress, TFlavour>() => TForm.Memory<T, TAddress, TStack, TFlavour>();
    }

    public static Handler RegisterOfWidth<TForm>(HandlerKey key) where TForm : struct, IRegisterForm => key.Width switch
    {
        0 => Register<TForm, ushort>(key),
        1 => Register<TForm, uint>(key),
        _ => Register<TForm, ulong>(key),
    };

    public static Handler MemoryOfWidth<TForm>(HandlerKey key) where TForm : struct, IMemoryForm => key.Width switch
    {
        0 => Memory<TForm, ushort>(key),
        1 => Memory<TForm, uint>(key),
        _ => Memory<TForm, ulong>(key),
    };

    public static Handler StackOfWidth<TForm>(HandlerKey key) where TForm : struct, IStackForm => key.Stack switch
    {
        StackKind.Stack64 => MemoryOfWidth<With<TForm, Stack64>>(key),
        StackKind.Stack32 => MemoryOfWidth<With<TForm, Stack32>>(key),
        StackKind.StackSegmented16 => MemoryOfWidth<With<TForm, StackSegmented16>>(key),
        _ => MemoryOfWidth<With<TForm, StackSegmented32>>(key),
    };

    public static Handler Stack<TForm>(HandlerKey key) where TForm : struct, IStackForm => key.Stack switch
    {
        StackKind.Stack64 => Memory<With<TForm, Stack64>, byte>(key),
        StackKind.Stack32 => Memory<With<TForm, Stack32>, byte>(key),
        StackKind.StackSegmented16 => Memory<With<TForm, StackSegmented16>, byte>(key),
        _ => Memory<With<TForm, StackSegmented32>, byte>(key),
    };

    public static Handler Register<TForm, T>(HandlerKey key) where TForm : struct, IRegisterForm where T : unmanaged => key.Flavour switch
    {
        Flavour.Fast => TForm.Register<T, Fast>(),
        Flavour.FastDeadFlags => TForm.Register<T, FastDeadFlags>(),
        _ => TForm.Register<T, Careful>(),
    };

    public static Handler Memory<TForm, T>(HandlerKey key) where TForm : struct, IMemoryForm where T : unmanaged
    {
        if (!key.IsMemory)
        {
            return Register<TForm, T>(key);
        }
        return key.Address switch
        {
            AddressKind.Base64 => Memory<TForm, T, Base64>(key),
            AddressKind.Full64 => Memory<TForm, T, Full64>(key),
            AddressKind.Base32 => Memory<TForm, T, Base32>(key),
            AddressKind.Flat32 => Memory<TForm, T, Flat32>(key),
            AddressKind.Long32 => Memory<TForm, T, Long32>(key),
            AddressKind.Segmented16 => Memory<TForm, T, Segmented16>(key),
            _ => Memory<TForm, T, Segmented32>(key),
        };
    }

    static Handler Memory<TForm, T, TAddress>(HandlerKey key)
        where TForm : struct, IMemoryForm where T : unmanaged where TAddress : struct, IAddress => key.Flavour switch
        {
            Flavour.Fast => TForm.Memory<T, TAddress, Fast>(),
            Flavour.FastDeadFlags => TForm.Memory<T, TAddress, FastDeadFlags>(),
            Flavour.Careful => TForm.Memory<T, TAddress, Careful>(),
            _ => TForm.Memory<T, TAddress, Locked>(),
        };
}
