using System.ComponentModel;
using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>Unicorn as the reference. There have to be its library, its headers and a C compiler.</summary>
sealed class UnicornCpu : ReferenceCpu
{
    UnicornCpu()
        : base("Unicorn.c", ["-lunicorn"], isQuiet: true)
    {
    }

    /// <inheritdoc/>
    public override string Name => "Unicorn";

    /// <inheritdoc/>
    public override bool IsForAllWays => false;

    /// <summary>Unicorn, or null and the reason where it cannot be had.</summary>
    public static UnicornCpu? TryStart(out string reason)
    {
        reason = "";
        try
        {
            return new UnicornCpu();
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            reason = e.Message.TrimEnd('.');
            return null;
        }
    }

    /// <inheritdoc/>
    public override string? WhyUnusable(in Instruction instruction, ReadOnlySpan<byte> bytes, int bits) => UnicornDifferences.Of(instruction, bytes, bits);

    /// <inheritdoc/>
    public override bool ChecksAddresses => false;

    /// <inheritdoc/>
    public override void Shape(ref TestCase test) => UnicornDifferences.Shape(ref test);

    /// <inheritdoc/>
    public override string? WhyKnown(CodeKind kind, ReadOnlySpan<byte> code, in MachineState here, in MachineState there) => UnicornDifferences.Of(kind, code, here, there);

    /// <inheritdoc/>
    public override void Complete(in MachineState here, ref MachineState there) => UnicornDifferences.Complete(here, ref there);
}
