using FastVcpu.Faults;
using FastVcpu.Privileged.Registers;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>XGETBV and XSETBV.</summary>
static unsafe class ExtendedControl
{
    /// <summary>Numbers of the registers: XCR0, and its components that are not in their initial state.</summary>
    const uint Xcr0Number = 0, InUseNumber = 1;

    /// <summary>XGETBV: EDX, EAX.</summary>
    public static (uint, uint) Read(CpuState* s, uint number)
    {
        ulong value = 0;
        if ((s->Cr4 & Cr4.OsXsave) == 0)
        {
            Raise.InvalidOpcode(s);
        }
        else if (number == Xcr0Number)
        {
            value = s->Xcr0;
        }
        else if (number == InUseNumber && Vcpu.Of(s).Model.Has(CpuFeature.Xgetbv1))
        {
            value = s->Xcr0 & ExtendedImage.InUse(s);
        }
        else
        {
            Raise.GeneralProtection(s, 0);
        }
        return ((uint)(value >> 32), (uint)value);
    }

    /// <summary>XSETBV.</summary>
    public static void Write(CpuState* s, uint number, uint high, uint low)
    {
        if ((s->Cr4 & Cr4.OsXsave) == 0)
        {
            Raise.InvalidOpcode(s);
        }
        else if (s->Cpl != 0 || number != Xcr0Number)
        {
            Raise.GeneralProtection(s, 0);
        }
        else
        {
            ControlRegisters.TryLoadExtendedControl(s, (ulong)high << 32 | low);
        }
    }
}
