namespace FastVcpu.Machine.Tests.Boot;

/// <summary>A test that boots a kernel of Debian. Where the packages cannot be fetched, the test says so.</summary>
class KernelFactAttribute : FactAttribute
{
    public const string Name = "cloud-amd64";

    static readonly Lazy<bool> HasKernel = new(() => PackageScript.Bring(Path.Combine(Folder, "initrd"), "get-kernels.sh", Name));

    public KernelFactAttribute()
    {
        if (!HasKernel.Value)
        {
            Skip = "Debian's kernel cannot be fetched here; tests/get-kernels.sh says why.";
        }
    }

    /// <summary>A file of the kernel's folder.</summary>
    public static byte[] Read(string file) => File.ReadAllBytes(Path.Combine(Folder, file));

    static string Folder => Path.Combine(Repository.Root, "artifacts", "kernels", Name);
}
