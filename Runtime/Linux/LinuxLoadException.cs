namespace FastVcpu.Linux;

/// <summary>A program cannot be loaded. The message is one sentence for the user.</summary>
public sealed class LinuxLoadException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LinuxLoadException()
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">One sentence.</param>
    public LinuxLoadException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="innerException">The cause.</param>
    public LinuxLoadException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
