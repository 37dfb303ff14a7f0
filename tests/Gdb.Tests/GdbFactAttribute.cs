namespace FastVcpu.Gdb.Tests;

/// <summary>A test that needs gdb; where it is not installed, the test says so.</summary>
sealed class GdbFactAttribute : FactAttribute
{
    public const string Missing = "gdb is not installed.";

    public GdbFactAttribute() => Skip = RealGdb.IsInstalled ? null : Missing;
}

/// <summary>A test with data that needs gdb.</summary>
sealed class GdbTheoryAttribute : TheoryAttribute
{
    public GdbTheoryAttribute() => Skip = RealGdb.IsInstalled ? null : GdbFactAttribute.Missing;
}
