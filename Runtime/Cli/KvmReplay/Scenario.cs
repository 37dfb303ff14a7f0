namespace FastVcpu.Cli.KvmReplay;

/// <summary>One thing to try on both machines.</summary>
/// <param name="Statement">The statement of the specification of guest debugging that it is about.</param>
/// <param name="Title">What is tried.</param>
/// <param name="Play">Drives a machine and notes what it sees.</param>
sealed record Scenario(string Statement, string Title, Action<ReplayMachine> Play);
