using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices;

/// <summary>Numbers that look random and are the same in each run (SplitMix64).</summary>
/// <param name="seed">Where the sequence begins.</param>
public sealed class RandomSequence(ulong seed) : IStateful
{
    ulong position = seed;

    /// <summary>Takes the next bytes.</summary>
    /// <param name="data">Where they go.</param>
    public void Fill(Span<byte> data)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        while (!data.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, Next());
            int count = Math.Min(bytes.Length, data.Length);
            bytes[..count].CopyTo(data);
            data = data[count..];
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Value(ref position);
    }

    ulong Next()
    {
        ulong z = position += 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
