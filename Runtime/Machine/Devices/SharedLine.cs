namespace FastVcpu.Machine.Devices;

/// <summary>An interrupt line that several devices drive: it is high while one of them drives it high.</summary>
/// <param name="output">Gets the level whenever it changes.</param>
public sealed class SharedLine(Action<bool> output)
{
    readonly Lock gate = new();
    int drivers;

    /// <summary>Adds a device.</summary>
    /// <returns>What the device calls whenever its level changes.</returns>
    public Action<bool> Connect()
    {
        bool driven = false;
        return level =>
        {
            lock (gate)
            {
                if (level == driven)
                {
                    return;
                }
                driven = level;
                drivers += level ? 1 : -1;
                if (drivers == (level ? 1 : 0))
                {
                    output(level);
                }
            }
        };
    }
}
