using System.Xml.Linq;

namespace FastVcpu.Tests.Structure;

/// <summary>Dependencies point one way (ARCHITECTURE.md): the core depends on nothing, what lies around it uses the core's public API only.</summary>
public sealed class DependencyTests
{
    /// <summary>The projects that each project may refer to. A project that is not here may refer to none.</summary>
    static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Specs/FastVcpu.Specs.csproj"] = [],
        ["Generator/FastVcpu.Generator.csproj"] = [],
        ["Runtime/Core/FastVcpu.csproj"] = ["Generator/FastVcpu.Generator.csproj"],
        ["Runtime/Linux/FastVcpu.Linux.csproj"] = ["Runtime/Core/FastVcpu.csproj"],
        ["Runtime/Fuzzing/FastVcpu.Fuzzing.csproj"] = ["Runtime/Core/FastVcpu.csproj"],
        ["Runtime/Gdb/FastVcpu.Gdb.csproj"] = ["Runtime/Core/FastVcpu.csproj"],
        ["Runtime/Machine/FastVcpu.Machine.csproj"] = ["Runtime/Core/FastVcpu.csproj"],
        ["Runtime/Cli/FastVcpu.Cli.csproj"] = ["Runtime/Core/FastVcpu.csproj", "Runtime/Fuzzing/FastVcpu.Fuzzing.csproj", "Runtime/Gdb/FastVcpu.Gdb.csproj", "Runtime/Linux/FastVcpu.Linux.csproj",
            "Runtime/Machine/FastVcpu.Machine.csproj", "Specs/FastVcpu.Specs.csproj"],
        ["samples/library/FastVcpu.Samples.Library.csproj"] = ["Runtime/Fuzzing/FastVcpu.Fuzzing.csproj", "Runtime/Linux/FastVcpu.Linux.csproj"],
    };

    [Fact]
    public void EveryProjectRefersOnlyToWhatTheArchitectureAllows()
    {
        int checkedProjects = 0;
        foreach (string project in Projects())
        {
            if (project.StartsWith("tests/", StringComparison.Ordinal) || project.StartsWith("bench/", StringComparison.Ordinal))
            {
                continue;
            }

            string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, project))!;
            IEnumerable<string> references = Elements(project, "ProjectReference")
                .Select(reference => Relative(Path.GetFullPath(Path.Combine(folder, reference.Attribute("Include")!.Value))));
            Assert.Empty(references.Except(Allowed.GetValueOrDefault(project, [])));
            checkedProjects++;
        }

        Assert.Equal(Allowed.Count, checkedProjects);
    }

    [Fact]
    public void TheCoreHasNoPackageAndTheGeneratorOnlyAsAnalyzer()
    {
        const string Core = "Runtime/Core/FastVcpu.csproj";
        Assert.Empty(Elements(Core, "PackageReference"));
        XElement generator = Assert.Single(Elements(Core, "ProjectReference"));
        Assert.Equal(("Analyzer", "false"), (generator.Attribute("OutputItemType")?.Value, generator.Attribute("ReferenceOutputAssembly")?.Value));
    }

    [Fact]
    public void OnlyTestsSeeTheInternalsOfTheCore()
    {
        string[] friends = [.. Elements("Runtime/Core/FastVcpu.csproj", "InternalsVisibleTo").Select(friend => friend.Attribute("Include")!.Value)];
        Assert.All(friends, friend => Assert.Matches("Tests$|Bench$", friend));
    }

    [Fact]
    public void ThePackageVersionsAreStatedInOnePlace()
    {
        foreach (string project in Projects())
        {
            Assert.DoesNotContain(Elements(project, "PackageReference"), reference => reference.Attribute("Version") is not null);
        }
    }

    static IEnumerable<string> Projects() =>
        Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
            .Select(Relative)
            .Where(path => !path.Split('/').Any(part => part is "obj" or "bin" or "artifacts"));

    static string Relative(string path) => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/');

    static IEnumerable<XElement> Elements(string project, string name) => XDocument.Load(Path.Combine(Repository.Root, project)).Descendants(name);
}
