using Xunit.Abstractions;

namespace FastVcpu.Tests.Runner;

/// <summary>Options of xunit by name.</summary>
sealed class Settings : Dictionary<string, object?>, ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
{
    public TValue GetValue<TValue>(string name) => TryGetValue(name, out object? value) ? (TValue)value! : default!;

    public void SetValue<TValue>(string name, TValue value) => this[name] = value;
}
