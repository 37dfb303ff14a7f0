namespace FastVcpu.Gdb.Tests;

/// <summary>A test that needs gdb; where it is not installed, the test says so.</summary>
sealed class GdbFactAttribute : FactAttribute
{
    public GdbFactAttribute()
    {
        if (!RealGdb.IsInstalled)
        {
            Skip = "gdb is not installed.";
        }
    }
}
