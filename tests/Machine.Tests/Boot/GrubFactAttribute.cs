namespace FastVcpu.Machine.Tests.Boot;

/// <summary>A test that starts SeaBIOS and GRUB of Debian. Where the packages cannot be fetched, the test says so.</summary>
sealed class GrubFactAttribute : FactAttribute
{
    static readonly Lazy<bool> HasGrub = new(() => PackageScript.Bring(Path.Combine(Folder, "loader.img"), "get-grub.sh"));

    public GrubFactAttribute()
    {
        if (!HasGrub.Value)
        {
            Skip = "Debian's SeaBIOS and GRUB cannot be fetched here; tests/get-grub.sh says why.";
        }
    }

    /// <summary>A file of the folder with SeaBIOS and GRUB.</summary>
    public static byte[] Read(string file) => File.ReadAllBytes(Path.Combine(Folder, file));

    static string Folder => Path.Combine(Repository.Root, "artifacts", "grub");
}
