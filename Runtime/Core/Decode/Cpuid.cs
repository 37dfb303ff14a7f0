using System.Text;
using FastVcpu.Privileged;
using FastVcpu.Semantics;
using FastVcpu.State;

namespace FastVcpu.Decode;

/// <summary>What CPUID tells about a model. Feature bits come from the table of features; nothing is promised that no row provides.</summary>
static class Cpuid
{
    const uint Basic = 0, ExtendedStateLeaf = 0xD, Extended = 0x80000000, ExtendedFeatures = 0x80000001, Brand = 0x80000002, LastExtended = 0x80000008;
    const uint OsXsave = 1u << 27;

    const int Eax = 0, Ebx = 1, Ecx = 2, Edx = 3;

    public static (uint Eax, uint Ebx, uint Ecx, uint Edx) Query(CpuModel model, uint leaf, uint subleaf, ulong cr4, ulong xcr0)
    {
        Span<uint> r = stackalloc uint[4];
        if (leaf > (leaf >= Extended ? Last(model, Extended) : Last(model, Basic)))
        {
            return default;
        }
        Features(model, leaf, subleaf, r);
        switch (leaf)
        {
            case Basic or Extended:
                r[Eax] = Last(model, leaf);
                (r[Ebx], r[Edx], r[Ecx]) = (Word(model.Vendor, 0), Word(model.Vendor, 4), Word(model.Vendor, 8));
                break;
            case 1:
                r[Eax] = model.Signature;
                // Line size of CLFLUSH in units of 8 bytes; one logical processor.
                r[Ebx] = 8 << 8 | 1 << 16;
                r[Ecx] |= model.Has(CpuFeature.Xsave) && (cr4 & Cr4.OsXsave) != 0 ? OsXsave : 0;
                break;
            case 7 when subleaf == 0:
                r[Eax] = 1;
                break;
            case ExtendedStateLeaf when model.Has(CpuFeature.Xsave):
                ExtendedState(model, subleaf, xcr0, r);
                break;
            case ExtendedFeatures:
                r[Eax] = model.Signature;
                CopyBasicFeatures(model, r);
                break;
            case >= Brand and < Brand + 3:
                for (int i = 0; i < 4; i++)
                {
                    r[i] = Word($"FastVcpu {model.Name}", (int)(leaf - Brand) * 16 + i * 4);
                }
                break;
            case 0x80000005:
                // Data and instruction cache: 32 KiB, 8 ways, lines of 64 bytes.
                r[Ecx] = r[Edx] = 32u << 24 | 8 << 16 | 1 << 8 | 64;
                break;
            case 0x80000006:
                // Second level 512 KiB, third level 8 MiB.
                r[Ecx] = 512 << 16 | 6 << 12 | 1 << 8 | 64;
                r[Edx] = 16 << 18 | 9 << 12 | 1 << 8 | 64;
                break;
            case LastExtended:
                // Bits of linear and of physical address.
                r[Eax] = (model.Has(CpuFeature.La57) ? 57u : 48) << 8 | 48;
                break;
        }
        return (r[Eax], r[Ebx], r[Ecx], r[Edx]);
    }

    /// <summary>The highest leaf: the highest with a feature or with the sizes of XSAVE, and the extended ones whole.</summary>
    static uint Last(CpuModel model, uint range)
    {
        uint last = range != Basic ? 0 : model.Has(CpuFeature.Xsave) ? ExtendedStateLeaf : 1u;
        ReadOnlySpan<uint> entries = CpuidBits.Entries;
        for (int i = 0; i < entries.Length; i += 5)
        {
            if ((entries[i] & Extended) == range && model.Has((CpuFeature)entries[i + 4]))
            {
                last = Math.Max(last, range == Basic ? entries[i] : LastExtended);
            }
        }
        return last;
    }

    static void Features(CpuModel model, uint leaf, uint subleaf, Span<uint> registers)
    {
        ReadOnlySpan<uint> entries = CpuidBits.Entries;
        for (int i = 0; i < entries.Length; i += 5)
        {
            if (entries[i] == leaf && (entries[i + 1] == subleaf || leaf is not (7 or ExtendedStateLeaf)) && model.Has((CpuFeature)entries[i + 4]))
            {
                registers[(int)entries[i + 2]] |= 1u << (int)entries[i + 3];
            }
        }
    }

    /// <summary>AMD repeats features of leaf 1 in EDX.</summary>
    static void CopyBasicFeatures(CpuModel model, Span<uint> registers)
    {
        const uint Repeated = 0x0183F3FF;
        Span<uint> basic = stackalloc uint[4];
        Features(model, 1, 0, basic);
        registers[Edx] |= model.Vendor == "AuthenticAMD" ? basic[Edx] & Repeated : 0;
    }

    /// <summary>Sizes and places in the image of XSAVE. What is enabled says how long the image is; in the compact format, it has the same length.</summary>
    static void ExtendedState(CpuModel model, uint subleaf, ulong xcr0, Span<uint> r)
    {
        ulong all = Implemented.ExtendedControl0(model);
        switch (subleaf)
        {
            case 0:
                r[Eax] = (uint)all;
                r[Ebx] = ExtendedImage.SizeOf(xcr0);
                r[Ecx] = ExtendedImage.SizeOf(all);
                break;
            case 1 when model.Has(CpuFeature.Xsavec) || model.Has(CpuFeature.Xsaves):
                r[Ebx] = ExtendedImage.SizeOf(xcr0);
                break;
            case 2 when (all & Xcr0.Avx) != 0:
                r[Eax] = ExtendedImage.Size - ExtendedImage.UpperHalvesOffset;
                r[Ebx] = ExtendedImage.UpperHalvesOffset;
                break;
        }
    }

    /// <summary>Four characters of a text as a number, zeros behind its end.</summary>
    static uint Word(string text, int at)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        if (at < text.Length)
        {
            Encoding.ASCII.GetBytes(text.AsSpan(at, Math.Min(4, text.Length - at)), bytes);
        }
        return BitConverter.ToUInt32(bytes);
    }
}
