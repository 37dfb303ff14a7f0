using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace FastVcpu.Cli.Conform;

/// <summary>Vector files: finds them and runs them, several at a time.</summary>
static class VectorSet
{
    static readonly string[] Extensions = [".jsonl", ".jsonl.gz"];

    /// <summary>All vector files that the paths name, folders searched, in order.</summary>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths)
    {
        List<string> files = [];
        foreach (string path in paths)
        {
            if (!Directory.Exists(path))
            {
                files.Add(path);
                continue;
            }

            int before = files.Count;
            files.AddRange(Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(IsVectorFile).Order(StringComparer.Ordinal));
            if (files.Count == before)
            {
                throw new InputException($"There is no vector file (.jsonl, .jsonl.gz) in '{path}'.");
            }
        }

        return files;
    }

    /// <summary>The results in the order of the files, each as soon as it is there.</summary>
    public static IEnumerable<FileResult> Run(IReadOnlyList<string> files, VectorSelection selection, int threads)
    {
        ConcurrentBag<VectorRunner> idle = [];
        try
        {
            using IEnumerator<FileResult> results = Partitioner.Create(files, EnumerablePartitionerOptions.NoBuffering)
                .AsParallel()
                .AsOrdered()
                .WithDegreeOfParallelism(threads)
                .WithMergeOptions(ParallelMergeOptions.NotBuffered)
                .Select(path => RunFile(path, selection, idle))
                .GetEnumerator();
            while (MoveNext(results))
            {
                yield return results.Current;
            }
        }
        finally
        {
            foreach (VectorRunner runner in idle)
            {
                runner.Dispose();
            }
        }
    }

    static FileResult RunFile(string path, VectorSelection selection, ConcurrentBag<VectorRunner> idle)
    {
        VectorRunner runner = idle.TryTake(out VectorRunner? used) ? used : new VectorRunner(selection);
        FileResult result = runner.Run(path);
        idle.Add(runner);
        return result;
    }

    /// <summary>The first error of a file as itself.</summary>
    static bool MoveNext(IEnumerator<FileResult> results)
    {
        try
        {
            return results.MoveNext();
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.Flatten().InnerExceptions[0]);
            throw;
        }
    }

    static bool IsVectorFile(string path) => Extensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));
}
