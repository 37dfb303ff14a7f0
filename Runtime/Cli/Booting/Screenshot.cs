using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Booting;

/// <summary>Pictures of the text screen in files.</summary>
static class Screenshot
{
    /// <summary>Writes what stands on the screen as PNG.</summary>
    public static void Write(BootMachine machine, string path)
    {
        try
        {
            File.WriteAllBytes(path, machine.ScreenPicture());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"The picture '{path}' cannot be written: {error.Message}");
        }
    }
}
