using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Fuzz.Files;

/// <summary>Damages inputs: flipped bits, absurd numbers, pieces that lie where others were, files that end early.</summary>
static class Mutation
{
    static readonly ulong[] numbers =
    [
        0, 1, 2, 3, 7, 8, 15, 16, 0x20, 0x38, 0x7F, 0x80, 0xFF, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFFF, 0x100000, 0x3FFFFF, 0x400000, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFFF,
        0x100000000, 0x7FFFFFFFF000, 0x800000000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFF000, 0xFFFFFFFFFFFFFFFF,
    ];

    static readonly string[] tokens =
    [
        "0", "-1", "1e999", "1e-999", "0.5", "18446744073709551616", "9223372036854775808", "2147483648", "65536", "255", "null", "true", "\"\"", "[]", "{}", "[[", "]}", ",", ":", "\"ffffffffffffffff\"", "\"fffffffffffffffff\"",
        "\"0\"", "\"-1\"", "\"zz\"", "\"7ffffffff000\"", "\"fffff000\"", "\"0:ffffffffffffffff\"", "\"0:1\"", "\"ffffffffffff0000:64K\"", "\"0x800000:1T\"", "\"\\ud800\"", "\\", "\n", "\0",
    ];

    /// <summary>A damaged copy of a file whose first bytes, where most changes go, are headers.</summary>
    public static byte[] OfBytes(byte[] original, int headers, Random random)
    {
        byte[] file = [.. original];
        headers = Math.Min(headers, file.Length);
        for (int changes = random.Next(1, 8); changes > 0; changes--)
        {
            int range = random.Next(8) == 0 ? file.Length : headers, at = random.Next(range);
            switch (random.Next(6))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[at] = (byte)random.Next(256);
                    break;
                case 2:
                    // A piece lies over another one: segments overlap, headers are others.
                    int length = Math.Min(random.Next(1, 65), file.Length - Math.Max(at, headers - 1));
                    file.AsSpan(at, length).ToArray().CopyTo(file.AsSpan(random.Next(Math.Min(range, file.Length - length + 1))));
                    break;
                default:
                    Write(file, at, original.Length, random);
                    break;
            }
        }
        return random.Next(16) switch
        {
            0 => file[..random.Next(file.Length)],
            1 => file[..random.Next(headers)],
            2 => [.. file, .. new byte[random.Next(0x3000)]],
            _ => file,
        };
    }

    /// <summary>Damaged text, mostly of numbers, strings and brackets.</summary>
    public static byte[] OfText(string original, Random random)
    {
        StringBuilder text = new(original);
        // Half of the time only digits change: what remains can be read, and is strange.
        bool isGentle = random.Next(2) == 0;
        for (int changes = random.Next(1, isGentle ? 30 : 6); changes > 0 && text.Length > 1; changes--)
        {
            int at = random.Next(text.Length), length = Math.Min(random.Next(1, random.Next(8) == 0 ? 200 : 12), text.Length - at);
            if (isGentle)
            {
                text[at] = char.IsAsciiHexDigitLower(text[at]) ? "0123456789abcdef"[random.Next(char.IsAsciiDigit(text[at]) ? 10 : 16)] : text[at];
                continue;
            }
            switch (random.Next(7))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(random.Next(text.Length), text.ToString(at, length));
                    break;
                case 2:
                    text[at] = (char)random.Next(256);
                    break;
                case 3:
                    text[at] = "0123456789abcdef"[random.Next(16)];
                    break;
                default:
                    Replace(text, at, tokens[random.Next(tokens.Length)]);
                    break;
            }
        }
        byte[] bytes = Encoding.Latin1.GetBytes(text.ToString());
        return random.Next(16) == 0 && !isGentle ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    /// <summary>An absurd number, aligned mostly.</summary>
    static void Write(byte[] file, int at, int length, Random random)
    {
        int size = 1 << random.Next(4);
        at = random.Next(8) == 0 ? at : at & -size;
        if (at + size > file.Length)
        {
            return;
        }
        ulong number = random.Next(6) == 0 ? (ulong)length : random.Next(8) == 0 ? (ulong)random.NextInt64() : numbers[random.Next(numbers.Length)];
        number += (ulong)random.Next(-2, 3) * (random.Next(3) == 0 ? 1UL : 0);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        bytes[..size].CopyTo(file.AsSpan(at));
    }

    /// <summary>Replaces the value around a place.</summary>
    static void Replace(StringBuilder text, int at, string token)
    {
        const string Ends = "{}[],:\n";
        int start = at, end = at;
        while (start > 0 && !Ends.Contains(text[start - 1]))
        {
            start--;
        }
        while (end < text.Length && !Ends.Contains(text[end]))
        {
            end++;
        }
        text.Remove(start, end - start).Insert(start, token);
    }
}
