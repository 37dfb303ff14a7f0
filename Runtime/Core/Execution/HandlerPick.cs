using FastVcpu.Memory;
using FastVcpu.State;
using unsafe Handler = delegate*<FastVcpu.State.CpuState*, FastVcpu.Execution.Op*, long, long>;

namespace FastVcpu.Execution;

/// <summary>A form of one width as the generated table knows it: its handler for registers. A type parameter that the handler does not have is ignored.</summary>
unsafe interface IRegisterForm
{
    static abstract Handler Register<TFlavour>() where TFlavour : struct, IFlavour;
}

/// <summary>A form that also has a handler for memory.</summary>
unsafe interface IMemoryForm : IRegisterForm
{
    static abstract Handler Memory<TAddress, TFlavour>() where TAddress : struct, IAddress where TFlavour : struct, IFlavour;
}

/// <summary>A form that uses the stack; without memory operand its memory handler is null.</summary>
unsafe interface IStackForm
{
    static abstract Handler Register<TStack, TFlavour>() where TStack : struct, IStack where TFlavour : struct, IFlavour;

    static abstract Handler Memory<TAddress, TStack, TFlavour>()
        where TAddress : struct, IAddress where TStack : struct, IStack where TFlavour : struct, IFlavour;
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
        static Handler IRegisterForm.Register<TFlavour>() => TForm.Register<TStack, TFlavour>();

        static Handler IMemoryForm.Memory<TAddress, TFlavour>() => TForm.Memory<TAddress, TStack, TFlavour>();
    }

    public static Handler Stack<TForm>(HandlerKey key) where TForm : struct, IStackForm => key.Stack switch
    {
        StackKind.Stack64 => Memory<With<TForm, Stack64>>(key),
        StackKind.Stack32 => Memory<With<TForm, Stack32>>(key),
        StackKind.StackSegmented16 => Memory<With<TForm, StackSegmented16>>(key),
        _ => Memory<With<TForm, StackSegmented32>>(key),
    };

    public static Handler Register<TForm>(HandlerKey key) where TForm : struct, IRegisterForm => key.Flavour switch
    {
        Flavour.Fast => TForm.Register<Fast>(),
        Flavour.FastDeadFlags => TForm.Register<FastDeadFlags>(),
        _ => TForm.Register<Careful>(),
    };

    public static Handler Memory<TForm>(HandlerKey key) where TForm : struct, IMemoryForm
    {
        if (!key.IsMemory)
        {
            return Register<TForm>(key);
        }
        return key.Address switch
        {
            AddressKind.Base64 => Memory<TForm, Base64>(key),
            AddressKind.Full64 => Memory<TForm, Full64>(key),
            AddressKind.Base32 => Memory<TForm, Base32>(key),
            AddressKind.Flat32 => Memory<TForm, Flat32>(key),
            AddressKind.Long32 => Memory<TForm, Long32>(key),
            AddressKind.Segmented16 => Memory<TForm, Segmented16>(key),
            _ => Memory<TForm, Segmented32>(key),
        };
    }

    static Handler Memory<TForm, TAddress>(HandlerKey key)
        where TForm : struct, IMemoryForm where TAddress : struct, IAddress => key.Flavour switch
        {
            Flavour.Fast => TForm.Memory<TAddress, Fast>(),
            Flavour.FastDeadFlags => TForm.Memory<TAddress, FastDeadFlags>(),
            Flavour.Careful => TForm.Memory<TAddress, Careful>(),
            _ => TForm.Memory<TAddress, Locked>(),
        };
}
