using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Regression;

/// <summary>This measuring program with the FastVcpu.dll of a commit: both sides of a comparison are measured by the same code, whatever the commits have.</summary>
static class CommitBuild
{
    const string Library = "FastVcpu.dll";

    /// <summary>The work tree as it is.</summary>
    const string WorkTree = ".";

    /// <summary>Builds the library of a commit in a work tree of its own.</summary>
    /// <param name="name">How it is called in messages.</param>
    /// <param name="commit">A commit, or a dot for the work tree as it is.</param>
    /// <param name="folder">Where everything goes; it does not exist.</param>
    public static OurTool Prepare(string name, string commit, string folder)
    {
        string tree = Repository.Root;
        if (commit != WorkTree)
        {
            tree = Path.Combine(folder, "tree");
            Finished added = CpuTime.Run("git", ["worktree", "add", "--detach", tree, commit], folder: Repository.Root);
            if (added.ExitCode != 0)
            {
                throw new ArgumentException($"{commit} cannot be checked out: {added.Output.Trim()}");
            }
        }
        string project = Path.Combine(tree, "Runtime", "Core");
        Finished build = CpuTime.Run("dotnet", ["build", "-c", "Release", project, "-v", "q", "--nologo", "-clp:NoSummary"]);
        if (build.ExitCode != 0)
        {
            throw new ArgumentException($"{commit} does not build:\n{build.Output}");
        }
        string programs = Path.Combine(folder, "programs");
        Directory.CreateDirectory(programs);
        foreach (string file in Directory.GetFiles(AppContext.BaseDirectory))
        {
            File.Copy(file, Path.Combine(programs, Path.GetFileName(file)));
        }
        string library = Directory.GetFiles(Path.Combine(project, "bin", "Release"), Library, SearchOption.AllDirectories).Single();
        File.Copy(library, Path.Combine(programs, Library), overwrite: true);
        return new OurTool(name, programs);
    }

    /// <summary>Removes the work tree of a commit.</summary>
    public static void Remove(string folder)
    {
        string tree = Path.Combine(folder, "tree");
        if (Directory.Exists(tree))
        {
            CpuTime.Run("git", ["worktree", "remove", "--force", tree], folder: Repository.Root);
        }
    }
}
