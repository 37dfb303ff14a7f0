using FastVcpu.Events;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Privileged.Registers;

/// <summary>MOV to and from debug registers (SDM Vol. 3 18.2).</summary>
static unsafe class DebugRegisterAccess
{
    const int Status = 6, Control = 7;

    /// <summary>DR6: the bits that can be written.</summary>
    const uint StatusWritable = Dr6.Breakpoints | Dr6.RegisterAccess | Dr6.SingleStep | Dr6.TaskSwitch;

    /// <summary>False: a fault is recorded.</summary>
    public static bool TryRead(CpuState* s, int number, out ulong value)
    {
        bool done = TryResolve(s, ref number);
        value = done ? (&s->FirstDr)[number] : 0;
        return done;
    }

    /// <inheritdoc cref="TryRead"/>
    public static bool TryWrite(CpuState* s, int number, ulong value)
    {
        if (!TryResolve(s, ref number))
        {
            return false;
        }
        if (number >= Status && value > uint.MaxValue)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        (&s->FirstDr)[number] = number switch
        {
            Status => value & StatusWritable | Dr6.Fixed,
            Control => value & ~Dr7.Reserved | Dr7.Fixed,
            _ => value,
        };
        Vcpu.Of(s).Debugging.Update();
        return true;
    }

    /// <summary>DR4 and DR5 stand for DR6 and DR7, unless debugging extensions make them undefined. DR7.GD makes every access a debug exception.</summary>
    static bool TryResolve(CpuState* s, ref int number)
    {
        if (number is 4 or 5)
        {
            if ((s->Cr4 & Cr4.DebuggingExtensions) != 0)
            {
                Raise.InvalidOpcode(s);
                return false;
            }
            number += 2;
        }
        if (number > Control)
        {
            Raise.InvalidOpcode(s);
            return false;
        }
        if ((Vcpu.Of(s).Debugging.Dr7 & Dr7.GeneralDetect) != 0)
        {
            s->PendingDebug |= Dr6.RegisterAccess;
            Raise.Exception(s, FaultCode.Debug, 0);
            return false;
        }
        return true;
    }
}
