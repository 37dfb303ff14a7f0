using System.Runtime.InteropServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>The careful handler of a key. MMIO and accesses across pages ask for it each time.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
unsafe struct CarefulEntry
{
    /// <summary>The key and one; 0 in an empty entry.</summary>
    public uint KeyPlusOne;
    public delegate*<CpuState*, Op*, long, long> Handler;
}
