namespace FastVcpu;

/// <summary>A snapshot cannot be used: it is damaged, no snapshot at all, or belongs to another machine. Nothing has changed.</summary>
/// <param name="message">One sentence that says why.</param>
public sealed class SnapshotException(string message) : Exception(message);
