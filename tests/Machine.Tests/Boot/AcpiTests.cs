using System.Buffers.Binary;
using System.Text;
using FastVcpu.Machine.Acpi;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>The tables can be found from the root pointer, and each adds up to zero.</summary>
public class AcpiTests
{
    const uint Address = 0xE0000;

    readonly byte[] memory = AcpiTables.Build(3, PcDevices.InterruptOfSlot).At(Address);

    [Fact]
    public void TheRootPointerAddsUp()
    {
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(memory, 0, 8));
        Assert.Equal(0, Sum(0, 20));
        Assert.Equal(0, Sum(0, 36));
    }

    [Theory]
    [InlineData(16, 4)]
    [InlineData(24, 8)]
    public void BothRootsLeadToTheSameTables(int pointer, int size)
    {
        int root = Offset(pointer);
        string[] names = [.. Enumerable.Range(0, (Length(root) - 36) / size).Select(i => Name(Offset(root + 36 + i * size)))];
        Assert.Equal(["FACP", "APIC"], names);
        Assert.Equal(0, Sum(root, Length(root)));
    }

    [Fact]
    public void EveryTableAddsUp()
    {
        int root = Offset(16), fadt = Offset(root + 36), madt = Offset(root + 40), dsdt = Offset(fadt + 40);
        Assert.Equal("DSDT", Name(dsdt));
        Assert.Equal("FACS", Name(Offset(fadt + 36)));
        Assert.Equal(dsdt, Offset(fadt + 140));
        Assert.All([fadt, madt, dsdt], table => Assert.Equal(0, Sum(table, Length(table))));
    }

    [Fact]
    public void EveryProcessorIsListed()
    {
        int madt = Offset(Offset(16) + 40), processors = 0;
        for (int at = madt + 44; at < madt + Length(madt); at += memory[at + 1])
        {
            processors += memory[at] == 0 ? 1 : 0;
        }
        Assert.Equal(3, processors);
    }

    [Theory]
    [InlineData("PNP0A03", 0x030AD041u)]
    [InlineData("PNP0501", 0x0105D041u)]
    public void IdentifiersAreCompressed(string id, uint expected) => Assert.Equal(expected, BinaryPrimitives.ReadUInt32LittleEndian(Aml.EisaId(id).AsSpan(1)));

    int Offset(int pointer) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(memory.AsSpan(pointer)) - Address);

    int Length(int table) => BinaryPrimitives.ReadInt32LittleEndian(memory.AsSpan(table + 4));

    string Name(int table) => Encoding.ASCII.GetString(memory, table, 4);

    byte Sum(int start, int length) => memory.AsSpan(start, length).ToArray().Aggregate((byte)0, (sum, value) => (byte)(sum + value));
}
