namespace FastVcpu.Cli;

/// <summary>What the user gave cannot be used. The message is the one sentence that is printed.</summary>
sealed class InputException(string message) : Exception(message);
