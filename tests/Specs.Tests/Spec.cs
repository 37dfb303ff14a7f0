using FastVcpu.Specs;

namespace FastVcpu.Tests;

/// <summary>Specifications for tests: the repository's own, and its tables with other rows.</summary>
static class Spec
{
    /// <summary>The name of the file that rows given as text are in.</summary>
    public const string RowsFile = "rows.isa";

    static readonly string Folder = Path.Combine(Repository.Root, "Specs");

    static readonly Lazy<Specification> Whole = new(() => Specification.Load(
        Directory.EnumerateFiles(Path.Combine(Folder, "isa"), "*.isa", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(Folder, "tables"), "*.isa")).Select(Read)));

    /// <summary>The specification of the repository.</summary>
    public static Specification OfTheRepository => Whole.Value;

    /// <summary>The repository's tables and these rows.</summary>
    public static Specification Of(string rows) => Specification.Load(Tables().Select(Read).Append(new SpecFile(RowsFile, rows)));

    /// <summary>All but the pairs to fuse, which name rows.</summary>
    static IEnumerable<string> Tables() => Directory.EnumerateFiles(Path.Combine(Folder, "tables"), "*.isa").Where(path => Path.GetFileNameWithoutExtension(path) != Specification.FusionName);

    static SpecFile Read(string path) => new(path, File.ReadAllText(path));
}
