using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using FastVcpu.Machine.Boot;
using FastVcpu.Machine.Tests.Boot;

namespace FastVcpu.Gdb.Tests;

/// <summary>A real gdb on a Debian kernel that has booted and whose timer runs.</summary>
public sealed partial class KernelTests : IDisposable
{
    const string Function = "ksys_write", Ready = "The loop begins.";
    const int Steps = 1000;

    /// <summary>The test's symbols are those of the function, and of all entries of the kernel.</summary>
    const string Commands = $$"""
        awk '$3 == "__entry_text_start" { p = 1 } p || $3 == "{{Function}}" { print } $3 == "__entry_text_end" { p = 0 }' /proc/kallsyms
        echo '{{Ready}}' | cat
        while :; do echo > /dev/null; done

        """;

    readonly StringBuilder console = new();
    readonly ManualResetEventSlim isReady = new();
    readonly string symbols = Path.GetTempFileName();

    public void Dispose() => File.Delete(symbols);

    [KernelGdbFact]
    public void AThousandStepsFromABreakpointInTheKernelEnterNoInterruptWhileTheyAreHeld()
    {
        Queue<byte> typed = new(Encoding.ASCII.GetBytes(Commands));
        using BootMachine machine = new(new BootOptions
        {
            Kernel = KernelFactAttribute.Read("vmlinuz"),
            Module = KernelFactAttribute.Read("initrd"),
            CommandLine = "console=ttyS0 quiet nokaslr",
            Memory = 256 << 20,
            SerialOutput = Print,
        });
        machine.Serial!.Source = () => typed.TryDequeue(out byte value) ? value : null;
        using GdbServer server = new(new GdbOptions { Machine = machine.Vm, Kill = machine.Stop, WaitsForClient = false });
        server.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        Thread thread = new(() => { machine.Run(long.MaxValue, server.Run); server.Remove(machine.Cpu); server.Exited(0); });
        thread.Start();
        string output = isReady.Wait(Background.Patience) ? Debug(((IPEndPoint)server.EndPoint!).Port) : $"The shell does not answer: {console}";
        machine.Stop();
        Assert.True(thread.Join(Background.Patience));
        Assert.Matches($"Breakpoint 1, .*{Function}", output);
        Assert.Contains($"held: 0 of {Steps}", output);
        Assert.Contains($"again: {Function}", output);
        Assert.Matches($"free: [1-9][0-9]* of {Steps}", output);
    }

    string Debug(int port)
    {
        (string Name, ulong Address)[] functions = [.. Line().Matches(console.ToString()).Select(match => (match.Groups[2].Value, ulong.Parse(match.Groups[1].Value, NumberStyles.HexNumber)))];
        File.WriteAllBytes(symbols, SymbolFile.Build(functions));
        // From each entry of an interrupt to the symbol behind it.
        IEnumerable<string> entries = functions.Zip(functions.Skip(1)).Where(pair => InterruptEntry().IsMatch(pair.First.Name)).Select(pair => $"({pair.First.Address}, {pair.Second.Address})");
        string walk = $"""
            python
            entries = [{string.Join(", ", entries)}]
            def walk(name):
              found = 0
              for i in range({Steps}):
                gdb.execute('stepi', to_string=True)
                pc = int(gdb.parse_and_eval('(unsigned long)$pc'))
                found += any(start <= pc < end for start, end in entries)
              print(name + ':', found, 'of', {Steps})
            end
            """.ReplaceLineEndings("\n");
        string script = Path.GetTempFileName();
        try
        {
            File.WriteAllText(script, walk + "\n");
            return RealGdb.Run(
                port,
                $"symbol-file {symbols}", $"source {script}", $"break {Function}", "continue",
                "maintenance packet Qqemu.sstep=3", "python walk('held')", "continue", "python print('again:', gdb.execute('info symbol $pc', to_string=True))",
                "maintenance packet Qqemu.sstep=1", "python walk('free')", "kill");
        }
        finally
        {
            File.Delete(script);
        }
    }

    void Print(byte value)
    {
        console.Append((char)value);
        if (value == '\n' && console.ToString(Math.Max(0, console.Length - 100), Math.Min(100, console.Length)).Contains($"\n{Ready}"))
        {
            isReady.Set();
        }
    }

    [GeneratedRegex("^([0-9a-f]{16}) [tT] ([^ \r]+)", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex("^(asm_sysvec_.*|asm_common_interrupt|asm_spurious_interrupt|asm_exc_nmi|irq_entries_start|spurious_entries_start)$")]
    private static partial Regex InterruptEntry();
}

/// <summary>A test that boots a kernel of Debian and needs gdb.</summary>
sealed class KernelGdbFactAttribute : KernelFactAttribute
{
    public KernelGdbFactAttribute() => Skip ??= RealGdb.IsInstalled ? null : GdbFactAttribute.Missing;
}
