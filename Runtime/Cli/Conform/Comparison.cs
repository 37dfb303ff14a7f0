using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastVcpu.Cli.Conform;

/// <summary>Compares what the CPU did with what a vector says, by the rules of the format.</summary>
static class Comparison
{
    /// <summary>CF PF AF ZF SF DF OF, and NT AC ID, which only POPF changes.</summary>
    const uint ComparedRflags = 0xCD5 | 0x4000 | 0x40000 | 0x200000;
    const uint ComparedFlags16 = 0xFFF;

    /// <summary>Every difference in words; nothing is allocated when there is none.</summary>
    public static List<string>? Differences(Vector vector, VectorMachine machine, VectorException exception)
    {
        List<string>? differences = null;
        if (exception != vector.Exception)
        {
            Add(ref differences, "exception", Text(vector.Exception), Text(exception));
        }

        ReadOnlySpan<byte> actual = machine.After;
        WidenUndefined(vector);
        if (!AreImagesEqual(vector.Expected, actual, vector.Undefined))
        {
            foreach (RegisterSlot slot in RegisterImage.Slots(vector.Mode))
            {
                Register(vector, slot, actual, ref differences);
            }
        }

        foreach (MemoryRegion region in machine.Regions)
        {
            Memory(vector, region, ref differences);
        }

        return differences;
    }

    /// <summary>Takes the flags that are not compared out of the comparison.</summary>
    static void WidenUndefined(Vector vector)
    {
        bool isReal = vector.Mode == VectorMode.X16;
        uint compared = (isReal ? ComparedFlags16 : ComparedRflags) & ~vector.UndefinedFlags;
        Span<byte> flags = vector.Undefined.AsSpan(RegisterImage.Rflags, 8);
        BinaryPrimitives.WriteUInt64LittleEndian(flags, BinaryPrimitives.ReadUInt64LittleEndian(flags) | ~(ulong)compared);
    }

    static bool AreImagesEqual(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, ReadOnlySpan<byte> undefined)
    {
        ReadOnlySpan<ulong> e = MemoryMarshal.Cast<byte, ulong>(expected);
        ReadOnlySpan<ulong> a = MemoryMarshal.Cast<byte, ulong>(actual);
        ReadOnlySpan<ulong> u = MemoryMarshal.Cast<byte, ulong>(undefined);
        ulong different = 0;
        for (int i = 0; i < e.Length; i++)
        {
            different |= (e[i] ^ a[i]) & ~u[i];
        }

        return different == 0;
    }

    static bool AreEqual(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, ReadOnlySpan<byte> undefined)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (((expected[i] ^ actual[i]) & ~undefined[i]) != 0)
            {
                return false;
            }
        }

        return true;
    }

    static void Register(Vector vector, RegisterSlot slot, ReadOnlySpan<byte> image, ref List<string>? differences)
    {
        ReadOnlySpan<byte> expected = vector.Expected.AsSpan(slot.Offset, slot.Length);
        ReadOnlySpan<byte> actual = image.Slice(slot.Offset, slot.Length);
        ReadOnlySpan<byte> undefined = vector.Undefined.AsSpan(slot.Offset, slot.Length);
        if (AreEqual(expected, actual, undefined) || Tolerance.Allows(vector, slot, expected, actual, undefined))
        {
            return;
        }

        string note = slot.Offset == RegisterImage.Rflags ? $" ({FlagNames(expected, actual, undefined)})"
            : undefined.ContainsAnyExcept((byte)0) ? $" (undefined: {Text(slot, undefined)})"
            : "";
        Add(ref differences, slot.Name, Text(slot, expected), Text(slot, actual) + note);
    }

    static void Memory(Vector vector, MemoryRegion region, ref List<string>? differences)
    {
        Span<byte> expected = region.Expected, actual = region.Actual;
        foreach (MemoryMask mask in vector.MemoryUndefined)
        {
            ulong offset = mask.Address - region.Start;
            for (int i = 0; i < mask.Length && offset + (ulong)i < (ulong)expected.Length; i++)
            {
                int at = (int)offset + i;
                byte undefined = (byte)(mask.Undefined >> (i % 2 * 8));
                expected[at] = (byte)(expected[at] & ~undefined | actual[at] & undefined);
            }
        }

        for (int at = expected.CommonPrefixLength(actual); at < expected.Length; at += expected[at..].CommonPrefixLength(actual[at..]))
        {
            int length = 1;
            while (at + length < expected.Length && length < 64 && expected[at + length] != actual[at + length])
            {
                length++;
            }

            string address = (region.Start + (ulong)at).ToString("x");
            Add(ref differences, $"[{address}]", Convert.ToHexStringLower(expected.Slice(at, length)), Convert.ToHexStringLower(actual.Slice(at, length)));
            at += length;
        }
    }

    static void Add(ref List<string>? differences, string what, string expected, string actual)
    {
        differences ??= [];
        differences.Add($"{what}: expected {expected}, got {actual}");
    }

    /// <summary>The flags that differ.</summary>
    static string FlagNames(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, ReadOnlySpan<byte> undefined)
    {
        string[] names = ["CF", "1", "PF", "3", "AF", "5", "ZF", "SF", "TF", "IF", "DF", "OF", "IOPL", "IOPL", "NT", "15", "RF", "VM", "AC", "VIF", "VIP", "ID"];
        List<string> different = [];
        for (int bit = 0; bit < names.Length && bit < expected.Length * 8; bit++)
        {
            int at = bit / 8;
            if (((expected[at] ^ actual[at]) & ~undefined[at] & 1 << bit % 8) != 0)
            {
                different.Add(names[bit]);
            }
        }

        return string.Join(' ', different);
    }

    /// <summary>The register's value as the vectors write it.</summary>
    public static string Text(RegisterSlot slot, ReadOnlySpan<byte> bytes)
    {
        if (!slot.IsNumber)
        {
            return Convert.ToHexStringLower(bytes);
        }

        ulong value = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            value = value << 8 | bytes[i];
        }

        return value.ToString("x");
    }

    /// <summary>An exception in words.</summary>
    public static string Text(VectorException exception)
    {
        if (exception.Vector < 0)
        {
            return exception.OtherExit is { } exit ? $"exit {exit}" : "none";
        }

        string error = exception.ErrorCode is uint code ? $", error code {code:x}" : "";
        string address = exception.Address is ulong at ? $", address {at:x}" : "";
        return Reporting.GuestReport.Exception(exception.Vector) + error + address;
    }
}
