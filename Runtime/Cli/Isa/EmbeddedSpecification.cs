using System.Reflection;
using FastVcpu.Specs;

namespace FastVcpu.Cli.Isa;

/// <summary>The specification that the virtual CPU was built from; the tool carries its text.</summary>
static class EmbeddedSpecification
{
    const string Folder = "Specs/";

    public static Specification Load()
    {
        Assembly assembly = typeof(EmbeddedSpecification).Assembly;
        List<SpecFile> files = [];
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)))
        {
            using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
            files.Add(new SpecFile(name[Folder.Length..].Replace('\\', '/'), reader.ReadToEnd()));
        }

        return Specification.Load(files);
    }
}
