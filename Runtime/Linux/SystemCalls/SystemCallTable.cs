namespace FastVcpu.Linux.SystemCalls;

/// <summary>System calls by number.</summary>
sealed class SystemCallTable
{
    readonly SystemCall?[] _rows = new SystemCall?[512];

    /// <summary>Makes a table.</summary>
    /// <param name="rows">Number and call.</param>
    public SystemCallTable(params ReadOnlySpan<(int Number, SystemCall Call)> rows)
    {
        foreach ((int number, SystemCall call) in rows)
        {
            if (_rows[number] != null)
            {
                throw new ArgumentException($"System call {number} is there twice.", nameof(rows));
            }

            _rows[number] = call;
        }
    }

    /// <summary>The call of a number, or null.</summary>
    public SystemCall? this[ulong number] => number < (ulong)_rows.Length ? _rows[number] : null;

    /// <summary>All calls there are.</summary>
    public IEnumerable<SystemCall> Calls => _rows.OfType<SystemCall>();
}
