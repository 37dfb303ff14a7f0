using FastVcpu.Cli.Input;
using FastVcpu.Cli.Reporting;

namespace FastVcpu.Cli.Conform;

/// <summary>A vector that did not come out as recorded.</summary>
/// <param name="File">File.</param>
/// <param name="Line">Line in it.</param>
/// <param name="Name">Disassembly of the vector.</param>
/// <param name="Code">Name of the encoding.</param>
/// <param name="Bytes">The instruction in hexadecimal.</param>
/// <param name="Input">The registers that are not at their defaults, and memory.</param>
/// <param name="Differences">What differs.</param>
sealed record VectorFailure(
    string File, int Line, string Name, string Code, string Bytes, string Input, IReadOnlyList<string> Differences);

/// <summary>What came of a file.</summary>
/// <param name="File">File.</param>
/// <param name="Mode">Its mode.</param>
/// <param name="Passed">Vectors that came out as recorded.</param>
/// <param name="Failed">Vectors that did not.</param>
/// <param name="Unsupported">Vectors that need a feature that the CPU model lacks. Not counted in the other two.</param>
/// <param name="Failures">The first failures.</param>
sealed record FileResult(string File, VectorMode Mode, int Passed, int Failed, int Unsupported, IReadOnlyList<VectorFailure> Failures);

/// <summary>What to run.</summary>
/// <param name="Model">CPU model, or null for the one that is closest to the recordings of each mode.</param>
/// <param name="Mode">Mode, or null when the folders say it.</param>
/// <param name="Filter">Only vectors whose disassembly or encoding contains this, or null.</param>
/// <param name="MaxFailures">Failures to describe for each file.</param>
sealed record VectorSelection(CpuModel? Model, VectorMode? Mode, string? Filter, int MaxFailures);

/// <summary>Runs the vectors of a file. One runner keeps one machine for each mode and serves one thread.</summary>
sealed class VectorRunner(VectorSelection selection) : IDisposable
{
    readonly VectorMachine?[] machines = new VectorMachine?[3];
    readonly Vector vector = new();

    /// <summary>The CPU model that the vectors of a mode run on.</summary>
    public CpuModel Model(VectorMode mode) => selection.Model ?? (mode == VectorMode.X16 ? CpuModel.I80286 : CpuModel.Max);

    public FileResult Run(string path)
    {
        using VectorFile file = new(path, selection.Mode);
        CpuModel model = Model(file.Mode);
        FeatureNames features = new(model);
        List<VectorFailure> failures = [];
        int passed = 0, failed = 0, unsupported = 0;
        while (file.Read(vector))
        {
            if (!IsSelected())
            {
                continue;
            }

            if (vector.Exception.Vector != FeatureNames.InvalidOpcode && !features.AreSupported(vector.Features))
            {
                unsupported++;
                continue;
            }

            List<string>? differences = Run(file, model);
            if (differences is null)
            {
                passed++;
                continue;
            }

            failed++;
            if (failures.Count < selection.MaxFailures)
            {
                failures.Add(Describe(file, differences));
            }
        }

        return new FileResult(path, file.Mode, passed, failed, unsupported, failures);
    }

    public void Dispose()
    {
        foreach (VectorMachine? machine in machines)
        {
            machine?.Dispose();
        }
    }

    bool IsSelected() => selection.Filter is null
        || vector.Name.Contains(selection.Filter, StringComparison.OrdinalIgnoreCase)
        || vector.Code.Contains(selection.Filter, StringComparison.OrdinalIgnoreCase);

    List<string>? Run(VectorFile file, CpuModel model)
    {
        VectorMachine machine = machines[(int)file.Mode] ??= Create(file.Mode, model);
        try
        {
            VectorException exception = machine.Run(vector);
            List<string>? differences = Comparison.Differences(vector, machine, exception);
            machine.Restore(vector, everything: differences is not null);
            return differences;
        }
        catch (FormatException error)
        {
            throw new InputException($"The vector file '{file.Path}' is damaged at line {vector.Line}: {error.Message}.");
        }
    }

    static VectorMachine Create(VectorMode mode, CpuModel model)
    {
        CodeWidth.Require(model, Bits(mode));
        return mode == VectorMode.X16 ? new RealModeMachine(model) : new UserModeMachine(model, mode);
    }

    static int Bits(VectorMode mode) => mode switch
    {
        VectorMode.X64 => 64,
        VectorMode.X86 => 32,
        _ => 16,
    };

    VectorFailure Describe(VectorFile file, List<string> differences)
    {
        ReadOnlySpan<byte> bytes = vector.Bytes(vector.Instruction);
        string name = vector.Name.Length > 0 ? vector.Name : Disassembly.First(bytes, Bits(file.Mode), vector.Instruction.Address);
        return new VectorFailure(file.Path, vector.Line, name, vector.Code, Convert.ToHexStringLower(bytes), Input(), differences);
    }

    string Input()
    {
        List<string> parts = [];
        foreach (RegisterSlot slot in RegisterImage.Slots(vector.Mode))
        {
            ReadOnlySpan<byte> value = vector.Initial.AsSpan(slot.Offset, slot.Length);
            if (!value.SequenceEqual(RegisterImage.Defaults(vector.Mode).Slice(slot.Offset, slot.Length)))
            {
                parts.Add($"{slot.Name}={Comparison.Text(slot, value)}");
            }
        }

        foreach (MemoryChunk chunk in vector.Memory)
        {
            parts.Add($"[{chunk.Address:x}]={Convert.ToHexStringLower(vector.Bytes(chunk))}");
        }

        return string.Join(' ', parts);
    }
}
