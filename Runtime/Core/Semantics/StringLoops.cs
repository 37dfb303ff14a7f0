using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
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
            ulong source = cursor.Source, destination = cursor.Destination(write: true);
            ulong count = Math.Min(cursor.SourceRun(source), cursor.DestinationRun(destination, write: true));
            byte* from = count == 0 ? null : cursor.DirectRead(source), to = count == 0 ? null : cursor.DirectWrite(destination);
            if (from != null && to != null)
            {
                StringRuns.Move<T>(to, from, (long)count, cursor.Step);
            }
            else
            {
                count = 1;
                if (!MoveOne<T>(s, op, source, destination))
                {
                    return false;
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
                    return false;
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
                    return false;
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
            ulong source = cursor.Source, destination = cursor.Destination(write: false);
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
                if (p == null)
                {
                    return false;
                }
                a = Unsafe.ReadUnaligned<T>(p);
                p = SlowPath.Read(s, op, destination, (uint)Unsafe.SizeOf<T>());
                if (p == null)
                {
                    return false;
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
                p = SlowPath.Read(s, op, destination, (uint)Unsafe.SizeOf<T>());
                if (p == null)
                {
                    return false;
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

    /// <summary>INS: the place is known to be writable before the port is read. Each element is an exit of its own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Input<T>(CpuState* s, Op* op) where T : unmanaged
    {
        if (!FlagOps.IsIoAllowed(s))
        {
            return false;
        }
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            ulong destination = cursor.Destination(write: true);
            if (SlowPath.Write(s, op, destination, (uint)Unsafe.SizeOf<T>(), locked: false) == null
                || !PortIo.TryAccess<T>(s, IoExit.In, (ushort)s->Rdx, default)
                || !StoreOne(s, op, destination, Bits.Truncate<T>(s->ExitData)))
            {
                return false;
            }
            cursor.Commit(1, false, true);
        }
        return cursor.IsDone;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Output<T>(CpuState* s, Op* op) where T : unmanaged
    {
        if (!FlagOps.IsIoAllowed(s))
        {
            return false;
        }
        StringCursor cursor = new(s, op, Unsafe.SizeOf<T>());
        while (cursor.Begin())
        {
            byte* p = SlowPath.Read(s, op, cursor.Source, (uint)Unsafe.SizeOf<T>());
            if (p == null || !PortIo.TryAccess(s, IoExit.Out, (ushort)s->Rdx, Unsafe.ReadUnaligned<T>(p)))
            {
                return false;
            }
            cursor.Commit(1, true, false);
        }
        return cursor.IsDone;
    }

    static bool MoveOne<T>(CpuState* s, Op* op, ulong source, ulong destination) where T : unmanaged
    {
        byte* p = SlowPath.Read(s, op, source, (uint)Unsafe.SizeOf<T>());
        return p != null && StoreOne(s, op, destination, Unsafe.ReadUnaligned<T>(p));
    }

    static bool StoreOne<T>(CpuState* s, Op* op, ulong destination, T value) where T : unmanaged
    {
        byte* p = Access.Write<T, Careful>(s, op, destination);
        if (p == null)
        {
            return false;
        }
        Unsafe.WriteUnaligned(p, value);
        return Access.Commit<T, Careful>(s, op, destination, p);
    }
}
