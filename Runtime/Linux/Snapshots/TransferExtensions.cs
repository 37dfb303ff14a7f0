using FastVcpu.Linux.Files;

namespace FastVcpu.Linux.Snapshots;

/// <summary>Kinds of values that programs have and machines do not.</summary>
static class TransferExtensions
{
    /// <summary>The longest path or list of arguments.</summary>
    public const int MostText = 4 << 20;

    /// <summary>A path, or another text of bytes.</summary>
    public static string Path(this StateTransfer state, string path) => PathText.FromBytes(state.Block(PathText.ToBytes(path), MostText));
}
