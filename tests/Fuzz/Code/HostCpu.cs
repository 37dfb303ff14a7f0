using System.ComponentModel;
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu.Fuzz.Code;

/// <summary>
/// This machine's own CPU as the reference: a small program, compiled when it is needed, runs cases in a process of its own. There has to be x86-64 Linux
/// and a C compiler.
/// </summary>
sealed unsafe class HostCpu : IDisposable
{
    /// <summary>Cases that one exchange may carry.</summary>
    public const int Capacity = 64;

    readonly string folder;
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly Process process;
    readonly TestCase* cases;

    HostCpu(string folder)
    {
        this.folder = folder;
        string source = Path.Combine(folder, "HostCpu.c"), program = Path.Combine(folder, "hostcpu"), shared = Path.Combine(folder, "cases");
        using (Stream text = typeof(HostCpu).Assembly.GetManifestResourceStream("HostCpu.c")!)
        using (FileStream target = File.Create(source))
        {
            text.CopyTo(target);
        }
        using (Process compiler = Process.Start("gcc", ["-O1", "-fno-stack-protector", "-mfsgsbase", "-mgeneral-regs-only", "-o", program, source]))
        {
            compiler.WaitForExit();
            if (compiler.ExitCode != 0)
            {
                throw new InvalidOperationException("The program that runs code on the host's CPU does not compile.");
            }
        }
        file = MemoryMappedFile.CreateFromFile(shared, FileMode.Create, null, (long)Capacity * Unsafe.SizeOf<TestCase>());
        view = file.CreateViewAccessor();
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        cases = (TestCase*)pointer;
        process = Process.Start(new ProcessStartInfo(program, [shared]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Await(0);
    }

    /// <summary>The host's CPU, or null and the reason where it cannot be had.</summary>
    public static HostCpu? TryStart(out string reason)
    {
        reason = "";
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            reason = "this is not x86-64 Linux";
            return null;
        }
        try
        {
            return new HostCpu(Directory.CreateTempSubdirectory("fastvcpu-").FullName);
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            reason = e.Message;
            return null;
        }
    }

    /// <summary>One of the cases that the next run takes.</summary>
    public ref TestCase this[int index] => ref cases[index];

    /// <summary>Runs the first cases; their states and memory are replaced by what is left.</summary>
    public void Run(int count)
    {
        process.StandardInput.BaseStream.Write(BitConverter.GetBytes(count));
        process.StandardInput.BaseStream.Flush();
        Await(count);
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

    void Await(int count)
    {
        Span<byte> answer = stackalloc byte[sizeof(int)];
        int got = process.StandardOutput.BaseStream.ReadAtLeast(answer, answer.Length, throwOnEndOfStream: false);
        if (got != answer.Length || BitConverter.ToInt32(answer) != count)
        {
            throw new InvalidOperationException("The program that runs code on the host's CPU has ended.");
        }
    }
}
