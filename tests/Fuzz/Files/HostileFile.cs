namespace FastVcpu.Fuzz.Files;

/// <summary>A kind of input that anybody may hand in, and what takes it.</summary>
abstract class HostileFile : IDisposable
{
    /// <summary>Takes a damaged input. Returns in a word what became of it; an exception that is not documented there is a finding.</summary>
    public abstract string Take(Random random);

    /// <summary>Removes what it has written.</summary>
    public virtual void Dispose()
    {
    }

    /// <summary>The message of a refusal is a sentence.</summary>
    protected static string Refused(Exception error) =>
        error.Message.EndsWith('.') && error.Message.Length < 2000 ? "refused" : throw new InvalidDataException($"No sentence: {error.Message}", error);
}
