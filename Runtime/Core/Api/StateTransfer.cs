using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu;

/// <summary>
/// Where the state of a machine's parts goes to or comes from. While saving, values are taken; while restoring they are replaced: with <c>state.Value(ref field)</c>, or
/// with <c>Property = state.Value(Property)</c>. The bytes are the same on every host.
/// </summary>
public sealed class StateTransfer
{
    const int InitialSize = 16 << 10;

    byte[] buffer;
    int position, end;

    /// <summary>Saves.</summary>
    internal StateTransfer() => buffer = new byte[InitialSize];

    /// <summary>Restores.</summary>
    internal StateTransfer(byte[] saved)
    {
        buffer = saved;
        IsRestoring = true;
    }

    /// <summary>Values are being replaced; otherwise they are being taken.</summary>
    public bool IsRestoring { get; }

    /// <summary>Saving: bytes so far.</summary>
    internal int Length => position;

    /// <summary>The part whose state it is, for messages.</summary>
    internal string PartName { get; set; } = "";

    /// <summary>An integer.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">The variable.</param>
    public void Value<T>(ref T value)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        Span<byte> bytes = Take(Unsafe.SizeOf<T>());
        if (IsRestoring)
        {
            value = MemoryMarshal.Read<T>(bytes);
            value = BitConverter.IsLittleEndian ? value : Reverse(value);
        }
        else
        {
            MemoryMarshal.Write(bytes, BitConverter.IsLittleEndian ? value : Reverse(value));
        }
    }

    /// <summary>An integer that has to lie between two others.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">The variable.</param>
    /// <param name="least">The smallest that can be.</param>
    /// <param name="most">The largest that can be.</param>
    /// <exception cref="SnapshotException">What is to be restored cannot be.</exception>
    public void Value<T>(ref T value, T least, T most)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        Value(ref value);
        Require(value >= least && value <= most);
    }

    /// <summary>A truth value.</summary>
    /// <param name="value">The variable.</param>
    public void Value(ref bool value)
    {
        byte bit = value ? (byte)1 : (byte)0;
        Value(ref bit, (byte)0, (byte)1);
        value = bit != 0;
    }

    /// <summary>An integer of a property.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">What it is.</param>
    /// <returns>What it is to be.</returns>
    public T Value<T>(T value)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        Value(ref value);
        return value;
    }

    /// <summary>A truth value of a property.</summary>
    /// <param name="value">What it is.</param>
    /// <returns>What it is to be.</returns>
    public bool Value(bool value)
    {
        Value(ref value);
        return value;
    }

    /// <summary>An integer that may be missing.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">What it is.</param>
    /// <returns>What it is to be.</returns>
    public T? Value<T>(T? value)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        bool isThere = Value(value.HasValue);
        T some = Value(value.GetValueOrDefault());
        return isThere ? some : null;
    }

    /// <summary>Bytes whose number does not change.</summary>
    /// <param name="bytes">The variables.</param>
    public void Bytes(Span<byte> bytes)
    {
        Span<byte> saved = Take(bytes.Length);
        if (IsRestoring)
        {
            saved.CopyTo(bytes);
        }
        else
        {
            bytes.CopyTo(saved);
        }
    }

    /// <summary>Integers whose number does not change.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    /// <param name="values">The variables.</param>
    public void Values<T>(Span<T> values)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        if (BitConverter.IsLittleEndian)
        {
            Bytes(MemoryMarshal.AsBytes(values));
            return;
        }
        foreach (ref T value in values)
        {
            Value(ref value);
        }
    }

    /// <summary>The number of elements of something that can grow.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="most">The most that there can be.</param>
    /// <returns>How many there are to be.</returns>
    /// <exception cref="SnapshotException">What is to be restored has more.</exception>
    public int Count(int count, int most)
    {
        Value(ref count, 0, most);
        return count;
    }

    /// <summary>Bytes whose number can change.</summary>
    /// <param name="bytes">What they are.</param>
    /// <param name="most">The most that there can be.</param>
    /// <returns>What they are to be.</returns>
    /// <exception cref="SnapshotException">What is to be restored has more.</exception>
    public byte[] Block(byte[] bytes, int most)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        Span<byte> saved = Take(Count(bytes.Length, most));
        if (IsRestoring)
        {
            return saved.ToArray();
        }
        bytes.CopyTo(saved);
        return bytes;
    }

    /// <summary>Bytes that wait in a queue.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="most">The most that can wait.</param>
    /// <exception cref="SnapshotException">What is to be restored has more.</exception>
    public void Queue(Queue<byte> queue, int most)
    {
        ArgumentNullException.ThrowIfNull(queue);
        int count = Count(queue.Count, most);
        if (!IsRestoring)
        {
            Span<byte> saved = Take(count);
            int at = 0;
            foreach (byte value in queue)
            {
                saved[at++] = value;
            }
            return;
        }
        queue.Clear();
        foreach (byte value in Take(count))
        {
            queue.Enqueue(value);
        }
    }

    /// <summary>A timer: whether it is set, for when, and which of two goes first that are set for the same time.</summary>
    /// <param name="timer">The timer.</param>
    public void Timer(ClockTimer timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        long deadline = Value(timer.Deadline), order = Value(timer.Order);
        if (IsRestoring)
        {
            Require(deadline >= 0 && order >= 0);
            timer.Restore(deadline, order);
        }
    }

    /// <summary>Another thing, as a part of this one.</summary>
    /// <param name="part">The other thing.</param>
    public void Part(IStateful part)
    {
        ArgumentNullException.ThrowIfNull(part);
        part.Transfer(this);
    }

    /// <summary>Refuses what is being restored unless a condition holds; while saving it always does.</summary>
    /// <param name="isPossible">The condition.</param>
    /// <exception cref="SnapshotException">It does not hold.</exception>
    public void Require(bool isPossible)
    {
        if (IsRestoring && !isPossible)
        {
            throw new SnapshotException($"The snapshot's part '{PartName}' has values that cannot be.");
        }
    }

    /// <summary>Saving: what has been saved.</summary>
    internal ReadOnlySpan<byte> Saved => buffer.AsSpan(0, position);

    /// <summary>Saving: begins again.</summary>
    internal void Clear() => position = 0;

    /// <summary>Restoring: the bytes of a part come next.</summary>
    internal void Enter(string name, int offset, int length) => (PartName, position, end) = (name, offset, offset + length);

    /// <summary>Restoring: the part is to have taken all its bytes.</summary>
    internal void Leave()
    {
        if (position != end)
        {
            throw Misfit();
        }
    }

    SnapshotException Misfit() => new($"The snapshot's part '{PartName}' does not fit this machine: it has another size.");

    Span<byte> Take(int length)
    {
        if (IsRestoring && length > end - position)
        {
            throw Misfit();
        }
        if (!IsRestoring && length > buffer.Length - position)
        {
            Array.Resize(ref buffer, checked(Math.Max(buffer.Length * 2, position + length)));
        }
        position += length;
        return buffer.AsSpan(position - length, length);
    }

    static T Reverse<T>(T value)
        where T : unmanaged
    {
        MemoryMarshal.AsBytes(new Span<T>(ref value)).Reverse();
        return value;
    }
}
