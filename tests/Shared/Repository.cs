namespace FastVcpu.Tests;

/// <summary>Where things lie, seen from the built tests.</summary>
static class Repository
{
    /// <summary>The folder of FastVcpu.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Instruction vectors recorded on hardware: FASTVCPU_VECTORS, or a folder beside the repository. Null when they are not there.</summary>
    public static string? Vectors { get; } = Existing("FASTVCPU_VECTORS", "vectors/public");

    /// <summary>Guest programs for `fastvcpu call`: FASTVCPU_GUESTS, or a folder beside the repository. Null when they are not there.</summary>
    public static string? Guests { get; } = Existing("FASTVCPU_GUESTS", "guests");

    /// <summary>An integer from the environment, for tests whose length can be chosen.</summary>
    public static long Number(string variable, long otherwise) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), out long number) ? number : otherwise;

    static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FastVcpu.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("FastVcpu.sln is in no folder above the tests.");
    }

    static string? Existing(string variable, string besideTheRepository)
    {
        string path = Environment.GetEnvironmentVariable(variable) ?? Path.Combine(Root, "..", "shared", besideTheRepository);
        return Directory.Exists(path) ? Path.GetFullPath(path) : null;
    }
}
