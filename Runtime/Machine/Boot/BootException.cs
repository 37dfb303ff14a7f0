namespace FastVcpu.Machine.Boot;

/// <summary>A ROM or kernel that cannot be loaded, in a sentence.</summary>
/// <param name="message">What is wrong.</param>
public sealed class BootException(string message) : Exception(message);
