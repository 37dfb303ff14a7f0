using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>poll and select: waiting for several files at once.</summary>
static class PollCalls
{
    const int EntrySize = 8;

    public static long Poll(SystemCallContext c)
    {
        int milliseconds = c.Int(2);
        return Poll(c, milliseconds < 0 ? GuestThread.Forever : milliseconds * 1_000_000L);
    }

    public static long PollMasked(SystemCallContext c)
    {
        long duration = c[2] == 0 ? GuestThread.Forever : GuestTime.ReadDuration(c, c[2]);
        if (c[2] != 0 && duration < 0)
        {
            return duration;
        }

        long start = c.System.Nanoseconds(GuestThread.MonotonicClock);
        long result = SetMask(c, c[3], c[4]);
        result = result < 0 ? result : Poll(c, duration);
        return c[2] == 0 ? result : WithRemainder(c, result, c[2], duration, start);
    }

    public static long Select(SystemCallContext c)
    {
        long duration = GuestThread.Forever;
        if (c[4] != 0)
        {
            Span<byte> bytes = stackalloc byte[16];
            if (!c.Memory.TryRead(c[4], bytes[..(2 * c.Abi.WordSize)]))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            long seconds = r.Long(), microseconds = r.Long();
            if (seconds < 0 || microseconds < 0)
            {
                return -Errno.EINVAL;
            }

            duration = GuestTime.ToNanoseconds(new HostTimespec(seconds, microseconds % 1_000_000 * 1000)) + microseconds / 1_000_000 * 1_000_000_000;
        }

        long start = c.System.Nanoseconds(GuestThread.MonotonicClock);
        long result = Select(c, duration);
        if (c[4] != 0 && result != -Errno.EWAIT)
        {
            StructWriter w = c.Struct(stackalloc byte[16]);
            GuestTime.WriteTimeval(ref w, TimeLeft(c, duration, start));
            c.Write(c[4], w.Written);
        }

        return result;
    }

    /// <summary>The first select of i386: the arguments are in memory.</summary>
    public static long SelectOld(SystemCallContext c)
    {
        Span<byte> bytes = stackalloc byte[20];
        if (!c.Memory.TryRead(c[0], bytes))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(bytes);
        c.Shift(r.Int(), r.Int(), r.Int(), r.Int(), r.Int());
        return Select(c);
    }

    public static long SelectMasked(SystemCallContext c)
    {
        long duration = c[4] == 0 ? GuestThread.Forever : GuestTime.ReadDuration(c, c[4]);
        if (c[4] != 0 && duration < 0)
        {
            return duration;
        }

        long result = 0;
        if (c[5] != 0)
        {
            // Six arguments are not enough: address and size of the set are in memory.
            if (!c.Memory.TryReadWord(c[5], out ulong set) || !c.Memory.TryReadWord(c[5] + (ulong)c.Abi.WordSize, out ulong size))
            {
                return -Errno.EFAULT;
            }

            result = SetMask(c, set, size);
        }

        long start = c.System.Nanoseconds(GuestThread.MonotonicClock);
        result = result < 0 ? result : Select(c, duration);
        return c[4] == 0 ? result : WithRemainder(c, result, c[4], duration, start);
    }

    /// <summary>Blocks other signals during a call that waits. Returns 0 or a negated error number.</summary>
    public static long SetMask(SystemCallContext c, ulong address, ulong size)
    {
        if (address == 0)
        {
            return 0;
        }

        if (size != 8)
        {
            return -Errno.EINVAL;
        }

        if (!c.Memory.TryRead(address, out ulong mask))
        {
            return -Errno.EFAULT;
        }

        c.Thread.MaskForThisCall(mask);
        return 0;
    }

    /// <summary>Waits for files of the guest; the events are the host's. Returns how many are ready or a negated error number.</summary>
    static long Wait(SystemCallContext c, ReadOnlySpan<(int Descriptor, short Events)> wanted, Span<short> returned, long duration)
    {
        HostPollEntry[] entries = new HostPollEntry[wanted.Length + 1];
        List<HostFile> held = [];
        int ready = 0;
        try
        {
            for (int i = 0; i < wanted.Length; i++)
            {
                OpenFile? file = wanted[i].Descriptor < 0 ? null : c.Process.Descriptors[wanted[i].Descriptor];
                entries[i].Descriptor = -1;
                returned[i] = wanted[i].Descriptor >= 0 && file == null ? Files.Poll.Invalid : (short)0;
                if (file is { Host: { } host, MayWait: true } && !c.Thread.WaitsForHost(file))
                {
                    bool added = false;
                    host.DangerousAddRef(ref added);
                    held.Add(host);
                    entries[i] = new HostPollEntry(host.Descriptor, wanted[i].Events, 0);
                    returned[i] = (file as HostOpenFile)?.EndEvents ?? 0;
                }
                else if (file != null)
                {
                    returned[i] = (short)(wanted[i].Events & (Files.Poll.In | Files.Poll.Out | Files.Poll.ReadNormal | Files.Poll.WriteNormal));
                }

                ready += returned[i] != 0 ? 1 : 0;
            }

            long result = c.Thread.Wait(entries, ready > 0 ? 0 : duration);
            if (result < 0)
            {
                return result == -Errno.EINTR ? -Errno.ERESTARTNOHAND : result;
            }

            for (int i = 0; i < wanted.Length; i++)
            {
                if (entries[i].Descriptor >= 0)
                {
                    ready += returned[i] == 0 && entries[i].Returned != 0 ? 1 : 0;
                    returned[i] |= entries[i].Returned;
                }
            }

            return ready;
        }
        finally
        {
            held.ForEach(host => host.DangerousRelease());
        }
    }

    static long Poll(SystemCallContext c, long duration)
    {
        if (c.UInt(1) > DescriptorTable.Limit)
        {
            return -Errno.EINVAL;
        }

        int count = c.Int(1);
        byte[] bytes = new byte[count * EntrySize];
        if (!c.Memory.TryRead(c[0], bytes))
        {
            return -Errno.EFAULT;
        }

        var wanted = new (int Descriptor, short Events)[count];
        for (int i = 0; i < count; i++)
        {
            Span<byte> entry = bytes.AsSpan(i * EntrySize, EntrySize);
            wanted[i] = (BinaryPrimitives.ReadInt32LittleEndian(entry), BinaryPrimitives.ReadInt16LittleEndian(entry[4..]));
        }

        short[] returned = new short[count];
        long result = Wait(c, wanted, returned, duration);
        if (result < 0)
        {
            return result;
        }

        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(i * EntrySize + 6), returned[i]);
        }

        return c.Memory.TryWrite(c[0], bytes) ? result : -Errno.EFAULT;
    }

    static long Select(SystemCallContext c, long duration)
    {
        // Which events of poll put a descriptor into the read, write and exception set.
        ReadOnlySpan<short> asked = [Files.Poll.In | Files.Poll.ReadNormal | Files.Poll.ReadBand, Files.Poll.Out | Files.Poll.WriteNormal | Files.Poll.WriteBand, Files.Poll.Priority];
        ReadOnlySpan<short> answers =
        [
            Files.Poll.In | Files.Poll.ReadNormal | Files.Poll.ReadBand | Files.Poll.HangUp | Files.Poll.Error,
            Files.Poll.Out | Files.Poll.WriteNormal | Files.Poll.WriteBand | Files.Poll.Error,
            Files.Poll.Priority,
        ];
        int count = c.Int(0);
        if (count < 0)
        {
            return -Errno.EINVAL;
        }

        count = Math.Min(count, DescriptorTable.Limit);
        int word = c.Abi.WordSize * 8;
        int size = (count + word - 1) / word * c.Abi.WordSize;
        byte[][] sets = [new byte[size], new byte[size], new byte[size]];
        for (int set = 0; set < 3; set++)
        {
            if (c[1 + set] != 0 && !c.Memory.TryRead(c[1 + set], sets[set]))
            {
                return -Errno.EFAULT;
            }
        }

        List<(int Descriptor, short Events)> wanted = [];
        for (int i = 0; i < count; i++)
        {
            short events = 0;
            for (int set = 0; set < 3; set++)
            {
                events |= IsSet(sets[set], i) ? asked[set] : (short)0;
            }

            if (events != 0)
            {
                wanted.Add((i, events));
            }
        }

        if (wanted.Exists(entry => c.Process.Descriptors[entry.Descriptor] == null))
        {
            return -Errno.EBADF;
        }

        short[] returned = new short[wanted.Count];
        long result = Wait(c, wanted.ToArray(), returned, duration);
        if (result < 0)
        {
            return result;
        }

        long total = 0;
        for (int set = 0; set < 3; set++)
        {
            byte[] answer = new byte[size];
            for (int i = 0; i < wanted.Count; i++)
            {
                int descriptor = wanted[i].Descriptor;
                if (IsSet(sets[set], descriptor) && (returned[i] & answers[set]) != 0)
                {
                    answer[descriptor / 8] |= (byte)(1 << descriptor % 8);
                    total++;
                }
            }

            if (c[1 + set] != 0 && !c.Memory.TryWrite(c[1 + set], answer))
            {
                return -Errno.EFAULT;
            }
        }

        return total;
    }

    static bool IsSet(byte[] set, int descriptor) => (set[descriptor / 8] >> descriptor % 8 & 1) != 0;

    static long WithRemainder(SystemCallContext c, long result, ulong address, long duration, long start)
    {
        // Where the time cannot be written the call has still done its work.
        if (result != -Errno.EWAIT)
        {
            GuestTime.Write(c, address, TimeLeft(c, duration, start));
        }

        return result;
    }

    /// <summary>What is left of the time that a call was to wait, which may have been made several times.</summary>
    static long TimeLeft(SystemCallContext c, long duration, long start) =>
        Math.Max(0, (c.Thread.Deadline ?? start + duration) - c.System.Nanoseconds(GuestThread.MonotonicClock));
}
