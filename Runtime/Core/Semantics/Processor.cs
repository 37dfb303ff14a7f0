using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.Privileged.Msrs;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Identification, time and random numbers.</summary>
static unsafe class Processor
{
    /// <summary>CPUID.</summary>
    public static (uint Eax, uint Ebx, uint Ecx, uint Edx) Identify(CpuState* s, uint leaf, uint subleaf)
    {
        CpuidEntry entry = Vcpu.Of(s).GetCpuid(leaf, subleaf);
        return (entry.Eax, entry.Ebx, entry.Ecx, entry.Edx);
    }

    /// <summary>RDTSC: EDX, EAX.</summary>
    public static (uint, uint) ReadTimeStamp(CpuState* s)
    {
        if ((s->Cr4 & Cr4.TimeStampDisable) != 0 && CpuMode.Cpl(s->Mode) != 0)
        {
            Raise.GeneralProtection(s, 0);
            return default;
        }
        if (!TimeStamp.TryMakeExact(s))
        {
            return default;
        }
        ulong now = TimeStamp.Read(s);
        return ((uint)(now >> 32), (uint)now);
    }

    /// <summary>RDTSCP: EDX, EAX, and in ECX the number of the processor.</summary>
    public static (uint, uint, uint) ReadTimeStampAndId(CpuState* s)
    {
        (uint high, uint low) = ReadTimeStamp(s);
        return (high, low, ReadId<uint>(s));
    }

    /// <summary>RDPID.</summary>
    public static T ReadId<T>(CpuState* s) where T : unmanaged => Bits.Truncate<T>(s->TscAux);

    /// <summary>RDRAND, RDSEED: there is always a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Random<T>(CpuState* s, ref Flags f) where T : unmanaged
    {
        f.SetZeroOnly(false);
        f.CF = true;
        return Bits.Truncate<T>(RandomNumber(s));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong RandomNumber(CpuState* s)
    {
        if (s->RandomState != 0)
        {
            // SplitMix64. The state is odd from now on, so it never becomes 0.
            const ulong Step = 0x3C6EF372FE94F82A;
            ulong z = s->RandomState = s->RandomState + Step | 1;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
            z = (z ^ z >> 27) * 0x94D049BB133111EB;
            return z ^ z >> 31;
        }
        ulong value = 0;
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
        return value;
    }
}
