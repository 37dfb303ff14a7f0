using System.Buffers.Binary;
using System.Formats.Tar;
using System.Text;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>SeaBIOS finds the disk and boots GRUB from it, and GRUB shows its menu on the serial port and boots a kernel from the disk.</summary>
public class FirmwareTests
{
    const long Limit = 3_000_000_000;

    const string Menu = """
        serial --unit=0 --speed=115200
        terminal_input serial
        terminal_output serial
        menuentry 'first' {
            halt
        }
        menuentry 'second' {
            multiboot /kernel from the menu
        }
        """;

    [GrubFact]
    public void GrubShowsItsMenuAndStartsTheKernelThatIsChosen()
    {
        StringBuilder console = new();
        Queue<byte> typed = new();
        bool hasChosen = false;
        BootOptions options = new()
        {
            Firmware = GrubFactAttribute.Read("bios.bin"),
            Disk = new MemoryDisk(DiskImage()),
            Memory = 64 << 20,
            Clock = new InstructionClock(),
            SerialOutput = Hear,
        };
        using BootMachine machine = new(options);
        machine.Serial!.Source = () => typed.TryDequeue(out byte value) ? value : null;
        BootResult result = machine.Run(Limit);
        Assert.True(result.End == BootEnd.PoweredOff, $"{result.End}: {console}");
        Assert.Contains("SeaBIOS (version", console.ToString());
        Assert.EndsWith("from the menu", console.ToString());

        void Hear(byte value)
        {
            console.Append((char)value);
            // The menu is waiting for a key when it has shown its last line.
            if (!hasChosen && value == '.' && console.ToString().Contains("before booting or `c' for a command-line", StringComparison.Ordinal))
            {
                hasChosen = true;
                "v\r"u8.ToArray().ToList().ForEach(typed.Enqueue);
            }
        }
    }

    /// <summary>The loader, and behind it an archive with the menu and a kernel.</summary>
    static byte[] DiskImage()
    {
        using MemoryStream image = new();
        image.Write(GrubFactAttribute.Read("loader.img"));
        using (TarWriter tar = new(image, TarEntryFormat.Ustar, leaveOpen: true))
        {
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "boot/grub/grub.cfg") { DataStream = new MemoryStream(Encoding.ASCII.GetBytes(Menu)) });
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "kernel") { DataStream = new MemoryStream(Kernel()) });
        }
        return image.ToArray();
    }

    /// <summary>A Multiboot kernel that sends its command line through the serial port and switches the machine off.</summary>
    static byte[] Kernel()
    {
        const uint Magic = 0x1BADB002, HasAddresses = 1 << 16, Base = 0x100000, HeaderSize = 32;
        ReadOnlySpan<byte> code =
        [
            0x8B, 0x73, 0x10,             // mov esi, [ebx + 16]
            0x66, 0xBA, 0xF8, 0x03,       // mov dx, 3f8h
            0xAC,                         // next: lodsb
            0x84, 0xC0,                   // test al, al
            0x74, 0x03,                   // jz end
            0xEE,                         // out dx, al
            0xEB, 0xF8,                   // jmp next
            0x66, 0xBA, 0x04, 0x06,       // end: mov dx, 604h
            0x66, 0xB8, 0x00, 0x34,       // mov ax, 3400h
            0x66, 0xEF,                   // out dx, ax
            0xF4,                         // hlt
        ];
        byte[] file = new byte[HeaderSize + code.Length];
        uint[] header = [Magic, HasAddresses, unchecked(0 - Magic - HasAddresses), Base, Base, 0, 0, Base + HeaderSize];
        for (int i = 0; i < header.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(i * sizeof(uint)), header[i]);
        }
        code.CopyTo(file.AsSpan((int)HeaderSize));
        return file;
    }
}
