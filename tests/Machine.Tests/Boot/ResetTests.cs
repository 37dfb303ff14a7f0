using System.Text;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>A reset starts the machine again, whichever way the guest asks for it.</summary>
public class ResetTests
{
    const long Limit = 1_000_000;

    public static TheoryData<string, byte[]> Resets => new()
    {
        { "CF9h", [0x66, 0xBA, 0xF9, 0x0C, 0xB0, 0x06, 0xEE] },            // mov dx, cf9h; mov al, 6; out dx, al
        { "keyboard controller", [0xB0, 0xFE, 0xE6, 0x64] },                // mov al, feh; out 64h, al
        { "output port of the keyboard controller", [0xB0, 0xD1, 0xE6, 0x64, 0xB0, 0xFE, 0xE6, 0x60] },
        { "92h", [0xB0, 0x01, 0xE6, 0x92] },                                // mov al, 1; out 92h, al
        { "triple fault", [0x6A, 0x00, 0x6A, 0x00, 0x0F, 0x01, 0x1C, 0x24, 0x0F, 0x0B] }, // push 0; push 0; lidt [esp]; ud2
    };

    [Theory]
    [MemberData(nameof(Resets))]
    public void TheKernelStartsAgain(string way, byte[] reset)
    {
        StringBuilder console = new();
        List<BootEnd> ends = [];
        using BootMachine machine = new(Options(Kernel(reset), console, ends, restarts: true));
        BootResult result = machine.Run(Limit);
        Assert.True(result.End == BootEnd.PoweredOff, $"{way}: {result.End}");
        Assert.Equal("112233", console.ToString());
        BootEnd expected = way == "triple fault" ? BootEnd.Shutdown : BootEnd.Reset;
        Assert.Equal([expected, expected], ends);
    }

    [Fact]
    public void WithoutAnAnswerItEndsTheRun()
    {
        StringBuilder console = new();
        using BootMachine machine = new(Options(Kernel([0xB0, 0xFE, 0xE6, 0x64]), console, [], restarts: false));
        Assert.Equal(BootEnd.Reset, machine.Run(Limit).End);
        Assert.Equal("11", console.ToString());
    }

    [Fact]
    public void TheLimitCountsWhatAllStartsHaveRetired()
    {
        using BootMachine machine = new(Options([0xB0, 0xFE, 0xE6, 0x64, 0xEB, 0xFE], new StringBuilder(), [], restarts: true));
        BootResult result = machine.Run(1000);
        Assert.Equal(BootEnd.Limit, result.End);
        Assert.Equal(1000, result.Instructions);
    }

    [Fact]
    public void TheSecondProcessorWaitsToBeStartedAgain()
    {
        StringBuilder console = new();
        using BootMachine machine = new(Options(Kernel([0xB0, 0xFE, 0xE6, 0x64]), console, [], restarts: true, processors: 2));
        machine.Processors[1].MpState = MpState.Runnable;
        machine.Processors[1].Regs.Rip = 0;
        machine.Vm.TryWritePhysical(0xFFFF0000, new byte[] { 0xEB, 0xFE });
        Assert.Equal(BootEnd.PoweredOff, machine.Run(Limit).End);
        Assert.Equal(MpState.Uninitialized, machine.Processors[1].MpState);
    }

    [Fact]
    public void DevicesAreAsAfterPowerOnAndTheDiskIsAsItWas()
    {
        MemoryDisk disk = new(new byte[4096]);
        BootOptions options = Options([0xFA, 0xF4], new StringBuilder(), [], restarts: true, disk: disk);
        using BootMachine machine = new(options);
        IReadOnlyDictionary<string, byte[]> before = machine.Vm.SaveState();
        machine.Run(Limit);
        disk.Write(0, [1, 2, 3]);
        machine.PressPowerButton();
        machine.Serial!.Write(3, [0x83]);
        machine.Serial.Write(0, [0x0C]);
        machine.Vm.SetIrqLine(5, true);
        machine.Reset();
        IReadOnlyDictionary<string, byte[]> after = machine.Vm.SaveState();
        string[] different = [.. before.Keys.Where(name => !before[name].AsSpan().SequenceEqual(after[name]))];
        Assert.Empty(different.Except(["clock", "run", "real-time clock", "disk"]));
        byte[] sector = new byte[3];
        disk.Read(0, sector);
        Assert.Equal([1, 2, 3], sector);
    }

    static BootOptions Options(byte[] kernel, StringBuilder console, List<BootEnd> ends, bool restarts, int processors = 1, IDisk? disk = null) => new()
    {
        Kernel = kernel,
        Memory = 4 << 20,
        Processors = processors,
        Disk = disk,
        Clock = new InstructionClock(),
        SerialOutput = value => console.Append((char)value),
        Restarts = !restarts ? null : result =>
        {
            ends.Add(result.End);
            return true;
        },
    };

    /// <summary>
    /// Counts in memory that a reset leaves alone and in the UART's scratch register, which it does not; sends the count twice (the second time by the scratch register), switches off
    /// at the third start, and resets before.
    /// </summary>
    static byte[] Kernel(byte[] reset) =>
    [
        0xBB, 0x00, 0x00, 0x30, 0x00,             // mov ebx, 300000h
        0xFE, 0x03,                               // inc byte [ebx]
        0x8A, 0x03, 0x04, 0x30,                   // mov al, [ebx]; add al, '0'
        0x66, 0xBA, 0xF8, 0x03, 0xEE,             // mov dx, 3f8h; out dx, al
        0x66, 0xBA, 0xFF, 0x03, 0x88, 0xC4, 0xEC, // mov dx, 3ffh; mov ah, al; in al, dx
        0x00, 0xE0, 0xEE,                         // add al, ah; out dx, al
        0x66, 0xBA, 0xF8, 0x03, 0xEE,             // mov dx, 3f8h; out dx, al
        0x80, 0x3B, 0x03, 0x75, 0x0A,             // cmp byte [ebx], 3; jne reset
        0x66, 0xBA, 0x04, 0x06,                   // mov dx, 604h
        0x66, 0xB8, 0x00, 0x34, 0x66, 0xEF,       // mov ax, 3400h; out dx, ax
        .. reset,
        0xEB, 0xFE,                               // jmp $
    ];
}
