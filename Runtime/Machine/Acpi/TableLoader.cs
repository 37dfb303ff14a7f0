using System.Buffers.Binary;
using System.Text;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Acpi;

/// <summary>Hands the tables to firmware: the files, and a script that says how to put them into memory (QEMU's "etc/table-loader").</summary>
static class TableLoader
{
    const string TablesFile = "etc/acpi/tables", RootFile = "etc/acpi/rsdp", ScriptFile = "etc/table-loader";
    const int CommandSize = 128, NameSize = 56, Alignment = 64;
    const uint Allocate = 1, AddPointer = 2, AddChecksum = 3;
    const byte HighMemory = 1, LowRom = 2;

    public static void Publish(AcpiTables tables, FirmwareConfiguration configuration)
    {
        List<byte> script = [.. AllocateCommand(TablesFile, HighMemory), .. AllocateCommand(RootFile, LowRom)];
        foreach ((int offset, int size) in tables.Pointers)
        {
            script.AddRange(PointerCommand(TablesFile, offset, size));
        }
        foreach ((int start, int length) in tables.Checksums)
        {
            script.AddRange(ChecksumCommand(TablesFile, start + AcpiTables.ChecksumOffset, start, length));
        }
        foreach ((int offset, int size) in AcpiTables.RootPointers)
        {
            script.AddRange(PointerCommand(RootFile, offset, size));
        }
        foreach ((int at, int length) in AcpiTables.RootChecksums)
        {
            script.AddRange(ChecksumCommand(RootFile, at, 0, length));
        }
        configuration.AddFile(TablesFile, tables.Tables);
        configuration.AddFile(RootFile, tables.RootPointer);
        configuration.AddFile(ScriptFile, [.. script]);
    }

    static byte[] AllocateCommand(string file, byte zone)
    {
        byte[] command = Command(Allocate, file);
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(4 + NameSize), Alignment);
        command[8 + NameSize] = zone;
        return command;
    }

    static byte[] PointerCommand(string file, int offset, int size)
    {
        byte[] command = Command(AddPointer, file);
        Encoding.ASCII.GetBytes(TablesFile, command.AsSpan(4 + NameSize));
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(4 + 2 * NameSize), offset);
        command[8 + 2 * NameSize] = (byte)size;
        return command;
    }

    static byte[] ChecksumCommand(string file, int at, int start, int length)
    {
        byte[] command = Command(AddChecksum, file);
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(4 + NameSize), at);
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(8 + NameSize), start);
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(12 + NameSize), length);
        return command;
    }

    static byte[] Command(uint kind, string file)
    {
        byte[] command = new byte[CommandSize];
        BinaryPrimitives.WriteUInt32LittleEndian(command, kind);
        Encoding.ASCII.GetBytes(file, command.AsSpan(4));
        return command;
    }
}
