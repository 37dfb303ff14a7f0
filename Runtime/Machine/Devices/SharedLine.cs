namespace FastVcpu.Machine.Devices;

/// <summary>An interrupt line that several devices drive: it is high while one of them drives it high.</summary>
/// <param name="output">Gets the level whenever it changes.</param>
public sealed class SharedLine(Action<bool> output) : IStateful
{
    readonly Lock gate = new();
    int connected;

    /// <summary>Who drives it high, one bit each.</summary>
    ulong drivers;

    /// <summary>Adds a device; there can be 64.</summary>
    /// <returns>What the device calls whenever its level changes.</returns>
    public Action<bool> Connect()
    {
        ulong driver = 1UL << connected++;
        return level =>
        {
            lock (gate)
            {
                bool before = drivers != 0;
                drivers = level ? drivers | driver : drivers & ~driver;
                if (before != (drivers != 0))
                {
                    output(level);
                }
            }
        };
    }

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        lock (gate)
        {
            state.Value(ref drivers);
        }
    }
}
