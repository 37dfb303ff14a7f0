using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>futex: without priority inheritance, which returns ENOSYS.</summary>
static class FutexCalls
{
    const int Wait = 0, Wake = 1, Requeue = 3, CompareRequeue = 4, WakeOperation = 5, WaitBits = 9, WakeBits = 10;
    const int CommandMask = 0x7F, RealTimeFlag = 0x100;
    const uint AllBits = uint.MaxValue;
    const int RealTime = 0, Monotonic = 1;

    public static long Futex(SystemCallContext c)
    {
        int command = c.Int(1) & CommandMask;
        if ((c[0] & 3) != 0)
        {
            return -Errno.EINVAL;
        }

        switch (command)
        {
            case Wait or WaitBits:
                uint bits = command == Wait ? AllBits : c.UInt(5);
                long duration = c[3] == 0 ? GuestThread.Forever : GuestTime.ReadDuration(c, c[3]);
                if (c[3] != 0 && duration < 0 || bits == 0)
                {
                    return bits == 0 ? -Errno.EINVAL : duration;
                }

                if (command == WaitBits && c[3] != 0)
                {
                    // FUTEX_WAIT_BITSET names a point in time.
                    int clock = (c.Int(1) & RealTimeFlag) != 0 ? RealTime : Monotonic;
                    duration = Math.Max(0, duration - c.System.Nanoseconds(clock));
                }

                return c.System.Futexes.Wait(c.Thread, c[0], c.UInt(2), bits, duration);
            case Wake:
                return c.System.Futexes.Wake(c.Memory, c[0], Math.Max(1, c.Int(2)), AllBits);
            case WakeBits:
                return c.UInt(5) == 0 ? -Errno.EINVAL : c.System.Futexes.Wake(c.Memory, c[0], Math.Max(1, c.Int(2)), c.UInt(5));
            case Requeue or CompareRequeue:
                return c.System.Futexes.Requeue(c.Memory, c[0], c.Int(2), c[4], c.Int(3), command == CompareRequeue ? c.UInt(5) : null);
            case WakeOperation:
                return WakeWithOperation(c);
            default:
                return -Errno.ENOSYS;
        }
    }

    /// <summary>FUTEX_WAKE_OP: changes a second word, wakes at the first, and at the second if its old value was right.</summary>
    static long WakeWithOperation(SystemCallContext c)
    {
        uint code = c.UInt(5);
        int operation = (int)(code >> 28), comparison = (int)(code >> 24 & 15);
        int operand = (int)(code << 8) >> 20, compared = (int)(code << 20) >> 20;
        const int shiftedOperand = 8;
        operand = (operation & shiftedOperand) != 0 ? 1 << (operand & 31) : operand;
        if (!c.Memory.TryUpdate(c[4], old => (operation & ~shiftedOperand) switch
            {
                0 => operand,
                1 => old + operand,
                2 => old | operand,
                3 => old & ~operand,
                4 => old ^ operand,
                _ => old,
            }, out int before))
        {
            return -Errno.EFAULT;
        }

        bool holds = comparison switch
        {
            0 => before == compared,
            1 => before != compared,
            2 => before < compared,
            3 => before <= compared,
            4 => before > compared,
            5 => before >= compared,
            _ => false,
        };
        long woken = c.System.Futexes.Wake(c.Memory, c[0], Math.Max(1, c.Int(2)), AllBits);
        return holds ? woken + c.System.Futexes.Wake(c.Memory, c[4], Math.Max(1, c.Int(3)), AllBits) : woken;
    }
}
