using System.ComponentModel;
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using Iced.Intel;

namespace FastVcpu.Fuzz.Code;

/// <summary>A reference to compare with: a small program, compiled when it is needed, runs cases in a process of its own. There has to be Linux and a C compiler.</summary>
abstract unsafe class ReferenceCpu : IDisposable
{
    /// <summary>Cases that one exchange may carry.</summary>
    public const int Capacity = 64;

    readonly string folder;
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly Process process;
    readonly TestCase* cases;

    /// <summary>Starts the program.</summary>
    /// <param name="source">The name of the resource that is its text.</param>
    /// <param name="options">What the compiler needs beside it.</param>
    /// <param name="isQuiet">What the compiler says is not shown.</param>
    protected ReferenceCpu(string source, string[] options, bool isQuiet = false)
    {
        folder = Directory.CreateTempSubdirectory("fastvcpu-").FullName;
        string path = Path.Combine(folder, source), program = Path.Combine(folder, "reference"), shared = Path.Combine(folder, "cases");
        Extract(source);
        Extract("Reference.h");
        using (Process compiler = Process.Start(new ProcessStartInfo("gcc", ["-O1", "-o", program, path, .. options]) { RedirectStandardError = isQuiet })!)
        {
            if (isQuiet)
            {
                compiler.StandardError.ReadToEnd();
            }
            compiler.WaitForExit();
            if (compiler.ExitCode != 0)
            {
                Directory.Delete(folder, recursive: true);
                throw new InvalidOperationException($"the program of {source} does not compile");
            }
        }
        file = MemoryMappedFile.CreateFromFile(shared, FileMode.Create, null, (long)Capacity * Unsafe.SizeOf<TestCase>());
        view = file.CreateViewAccessor();
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        cases = (TestCase*)pointer;
        process = Process.Start(new ProcessStartInfo(program, [shared]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            Await(0);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How findings call it.</summary>
    public abstract string Name { get; }

    /// <summary>The other ways of the virtual CPU are compared, too.</summary>
    public abstract bool IsForAllWays { get; }

    /// <summary>Why what this instruction does is not to be compared, or null.</summary>
    public virtual string? WhyUnusable(in Instruction instruction, ReadOnlySpan<byte> bytes, int bits) => null;

    /// <summary>It looks at alignment, limits of segments and canonical addresses.</summary>
    public virtual bool ChecksAddresses => true;

    /// <summary>Takes out of the start of a case what the reference does not have.</summary>
    public virtual void Shape(ref TestCase test)
    {
    }

    /// <summary>Why the end of a case differs, or may; null where there is no reason.</summary>
    /// <param name="kind">What kind of code.</param>
    /// <param name="code">The code.</param>
    /// <param name="here">What the virtual CPU left.</param>
    /// <param name="there">What the reference left.</param>
    public virtual string? WhyKnown(CodeKind kind, ReadOnlySpan<byte> code, in MachineState here, in MachineState there) => null;

    /// <summary>Gives the reference's end the values of the virtual CPU's where it has none.</summary>
    public virtual void Complete(in MachineState here, ref MachineState there)
    {
    }

    /// <summary>Runs cases, at most <see cref="Capacity"/>. The results are what they leave.</summary>
    public TestCase[] Run(ReadOnlySpan<TestCase> tests)
    {
        Span<TestCase> shared = new(cases, Capacity);
        tests.CopyTo(shared);
        process.StandardInput.BaseStream.Write(BitConverter.GetBytes(tests.Length));
        process.StandardInput.BaseStream.Flush();
        Await(tests.Length);
        return shared[..tests.Length].ToArray();
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    void Extract(string resource)
    {
        using Stream text = typeof(ReferenceCpu).Assembly.GetManifestResourceStream(resource)!;
        using FileStream target = File.Create(Path.Combine(folder, resource));
        text.CopyTo(target);
    }

    void Await(int count)
    {
        Span<byte> answer = stackalloc byte[sizeof(int)];
        int got = process.StandardOutput.BaseStream.ReadAtLeast(answer, answer.Length, throwOnEndOfStream: false);
        if (got != answer.Length || BitConverter.ToInt32(answer) != count)
        {
            throw new InvalidOperationException("The program that runs the cases of the reference has ended.");
        }
    }
}
