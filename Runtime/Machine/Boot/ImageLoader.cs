namespace FastVcpu.Machine.Boot;

/// <summary>Loads an image whose Multiboot header says where it lies in the file and in memory.</summary>
static class ImageLoader
{
    /// <summary>Loads it and returns its end.</summary>
    /// <param name="vm">The machine.</param>
    /// <param name="file">The file.</param>
    /// <param name="headerOffset">Where the header lies in it.</param>
    /// <param name="headerAddress">Where the header lies in memory.</param>
    /// <param name="load">Start of the image; all ones: the file is loaded from its beginning.</param>
    /// <param name="loadEnd">Its end; 0: the end of the file.</param>
    /// <param name="bssEnd">End of what is cleared behind it; 0: nothing.</param>
    public static ulong Load(VirtualMachine vm, ReadOnlySpan<byte> file, int headerOffset, uint headerAddress, uint load, uint loadEnd, uint bssEnd)
    {
        load = load == uint.MaxValue ? headerAddress - (uint)headerOffset : load;
        long start = headerOffset - ((long)headerAddress - load);
        long length = loadEnd == 0 ? file.Length - start : (long)loadEnd - load;
        if (start < 0 || length < 0 || start + length > file.Length)
        {
            throw new BootException("The addresses in the kernel's Multiboot header do not fit the file.");
        }
        ulong end = load + (ulong)length;
        BootMemory.Write(vm, load, file.Slice((int)start, (int)length));
        if (bssEnd > end)
        {
            BootMemory.Clear(vm, end, bssEnd - end);
        }
        return Math.Max(bssEnd, end);
    }
}
