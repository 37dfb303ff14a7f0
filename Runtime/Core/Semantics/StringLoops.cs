using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The work of string instructions. Each method returns false when the instruction has not come to its end: a fault, an exit, a pending request.</summary>
static unsafe class StringLoops
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Move<T>(CpuState* s, Op* op) where T : unmanaged
    {
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            ulong source = cursor.Source, destination = cursor.DestinationBehind(source, write: true);
            ulong count = Math.Min(cursor.SourceRun(source), cursor.DestinationRun(destination, write: true));
            byte* from = count == 0 ? null : cursor.DirectRead(source), to = count == 0 ? null : cursor.DirectWrite(destination);
            if (from != null && to != null)
            {
                StringRuns.Move<T>(to, from, (long)count, cursor.Step);
            }
            else
            {
                count = 1;
                from = SlowPath.Read(s, op, source, (uint)Unsafe.SizeOf<T>());
                if (from == null || !StoreOne(s, op, destination, Unsafe.ReadUnaligned<T>(from)))
                {
                    return cursor.Abandon(true, !Segmentation.IsNowhere(source), 1);
                }
            }
            cursor.Commit(count, true, true);
        }
        return cursor.IsDone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Store<T>(CpuState* s, Op* op) where T : unmanaged
    {
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        T value = Access.Get<T>(s, CpuState.GprOffset);
        while (cursor.Begin())
        {
            ulong destination = cursor.Destination(write: true);
            ulong count = cursor.DestinationRun(destination, write: true);
            byte* to = count == 0 ? null : cursor.DirectWrite(destination);
            if (to != null)
            {
                StringRuns.Fill(to, value, (long)count, cursor.Step);
            }
            else
            {
                count = 1;
                if (!StoreOne(s, op, destination, value))
                {
                    return cursor.Abandon(false, true, 1);
                }
            }
            cursor.Commit(count, false, true);
        }
        return cursor.IsDone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Load<T>(CpuState* s, Op* op) where T : unmanaged
    {
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            ulong source = cursor.Source;
            ulong count = cursor.SourceRun(source);
            byte* from = count == 0 ? null : cursor.DirectRead(source);
            if (from != null)
            {
                from += (long)(count - 1) * cursor.Step;
            }
            else
            {
                count = 1;
                from = SlowPath.Read(s, op, source, (uint)Unsafe.SizeOf<T>());
                if (from == null)
                {
                    return cursor.Abandon(true, false, 1);
                }
            }
            Access.Set(s, CpuState.GprOffset, Unsafe.ReadUnaligned<T>(from));
            cursor.Commit(count, true, false);
        }
        return cursor.IsDone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Compare<T>(CpuState* s, Op* op) where T : unmanaged
    {
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            ulong source = cursor.Source, destination = cursor.DestinationBehind(source, write: false);
            ulong count = Math.Min(cursor.SourceRun(source), cursor.DestinationRun(destination, write: false));
            byte* left = count == 0 ? null : cursor.DirectRead(source), right = count == 0 ? null : cursor.DirectRead(destination);
            T a, b;
            if (left != null && right != null)
            {
                long equal = StringRuns.Equal<T>(left, right, (long)count, cursor.Step, cursor.RepeatsWhileEqual);
                count = Math.Min(count, (ulong)equal + 1);
                long last = (long)(count - 1) * cursor.Step;
                a = Unsafe.ReadUnaligned<T>(left + last);
                b = Unsafe.ReadUnaligned<T>(right + last);
            }
            else
            {
                count = 1;
                byte* p = SlowPath.Read(s, op, source, (uint)Unsafe.SizeOf<T>());
                a = p == null ? default : Unsafe.ReadUnaligned<T>(p);
                p = p == null ? null : SlowPath.Read(s, op, destination, (uint)Unsafe.SizeOf<T>(), CpuState.EsOffset);
                if (p == null)
                {
                    return cursor.Abandon(!Segmentation.IsNowhere(destination), true, 0);
                }
                b = Unsafe.ReadUnaligned<T>(p);
            }
            s->Flags.SetSub(a, b, 0);
            cursor.Commit(count, true, true);
            if (cursor.EndsOn(s->Flags.ZF))
            {
                return true;
            }
        }
        return cursor.IsDone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Scan<T>(CpuState* s, Op* op) where T : unmanaged
    {
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        T value = Access.Get<T>(s, CpuState.GprOffset);
        while (cursor.Begin())
        {
            ulong destination = cursor.Destination(write: false);
            ulong count = cursor.DestinationRun(destination, write: false);
            byte* p = count == 0 ? null : cursor.DirectRead(destination);
            if (p != null)
            {
                long passed = StringRuns.Scan(p, value, (long)count, cursor.Step, cursor.RepeatsWhileEqual);
                count = Math.Min(count, (ulong)passed + 1);
                p += (long)(count - 1) * cursor.Step;
            }
            else
            {
                count = 1;
                p = SlowPath.Read(s, op, destination, (uint)Unsafe.SizeOf<T>(), CpuState.EsOffset);
                if (p == null)
                {
                    return cursor.Abandon(false, true, 0);
                }
            }
            s->Flags.SetSub(value, Unsafe.ReadUnaligned<T>(p), 0);
            cursor.Commit(count, false, true);
            if (cursor.EndsOn(s->Flags.ZF))
            {
                return true;
            }
        }
        return cursor.IsDone;
    }

    /// <summary>INS: the place is known to be writable before the port is read. One exit serves as many elements as fit into the page.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Input<T>(CpuState* s, Op* op) where T : unmanaged
    {
        if (!IoPermission.TryCheck(s, (ushort)s->Rdx, Unsafe.SizeOf<T>()))
        {
            return false;
        }
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            ulong destination = cursor.Destination(write: true);
            if (s->ExitDataReady == 0)
            {
                if (SlowPath.Write(s, op, destination, (uint)Unsafe.SizeOf<T>(), locked: false, via: CpuState.EsOffset) == null)
                {
                    return cursor.Abandon(false, true, 2);
                }
                // What is no memory, or holds code, takes one element at a time.
                PortIo.RequestString<T>(s, IoExit.InString, cursor.DirectWrite(destination) == null ? 1 : cursor.DestinationRun(destination, write: true));
                return false;
            }
            Span<T> data = PortIo.StringData<T>(s);
            for (int i = 0; i < data.Length; i++)
            {
                if (!StoreOne(s, op, destination + (ulong)(i * cursor.Step), data[i]))
                {
                    // The page has changed meanwhile: the rest waits.
                    data[i..].CopyTo(data);
                    s->ExitCount -= i;
                    cursor.Commit((ulong)i, false, true);
                    return false;
                }
            }
            s->ExitDataReady = 0;
            cursor.Commit((ulong)data.Length, false, true);
        }
        return cursor.IsDone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Output<T>(CpuState* s, Op* op) where T : unmanaged
    {
        if (!IoPermission.TryCheck(s, (ushort)s->Rdx, Unsafe.SizeOf<T>()))
        {
            return false;
        }
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            if (s->ExitDataReady == 0)
            {
                ulong source = cursor.Source, count = cursor.SourceRun(source);
                byte* from = count == 0 ? null : cursor.DirectRead(source);
                from = from == null ? SlowPath.Read(s, op, source, (uint)Unsafe.SizeOf<T>()) : from;
                if (from == null)
                {
                    return cursor.Abandon(true, false, 1);
                }
                PortIo.RequestString(s, IoExit.OutString, (T*)from, count, cursor.Step);
                return false;
            }
            s->ExitDataReady = 0;
            cursor.Commit((ulong)s->ExitCount, true, false);
        }
        return cursor.IsDone;
    }

    static bool StoreOne<T>(CpuState* s, Op* op, ulong destination, T value) where T : unmanaged
    {
        byte* p = SlowPath.Write(s, op, destination, (uint)Unsafe.SizeOf<T>(), locked: false, via: CpuState.EsOffset);
        if (p == null)
        {
            return false;
        }
        Unsafe.WriteUnaligned(p, value);
        return Access.Commit<T, Careful>(s, op, destination, p);
    }
}
