using FastVcpu.Linux.Memory;

namespace FastVcpu.Tests;

/// <summary>The list of mappings, against an array with one entry for each page.</summary>
public class MappingListTests
{
    const int Pages = 64;
    const ulong PageSize = 4096;

    [Fact]
    public void RandomChangesGiveWhatAnArrayOfPagesGives()
    {
        Random random = new(3);
        MappingList list = new();
        string?[] pages = new string?[Pages];
        for (int i = 0; i < 5000; i++)
        {
            int start = random.Next(Pages), end = random.Next(start + 1, Pages + 1);
            string? name = random.Next(3) == 0 ? null : $"/{random.Next(4)}";
            pages.AsSpan(start, end - start).Fill(name);
            if (name == null)
            {
                list.Remove((ulong)start * PageSize, (ulong)end * PageSize);
            }
            else
            {
                list.Add(new GuestMapping((ulong)start * PageSize, (ulong)end * PageSize, MemoryProtection.Read, name, 0, null));
            }

            Check(list, pages, random);
        }
    }

    [Fact]
    public void EqualNeighboursBecomeOne()
    {
        MappingList list = new();
        list.Add(new GuestMapping(PageSize, 2 * PageSize, MemoryProtection.Read, "", 0, null));
        list.Add(new GuestMapping(3 * PageSize, 4 * PageSize, MemoryProtection.Read, "", 0, null));
        list.Add(new GuestMapping(2 * PageSize, 3 * PageSize, MemoryProtection.Read, "", 0, null));
        Assert.Equal([new GuestMapping(PageSize, 4 * PageSize, MemoryProtection.Read, "", 0, null)], list.All);
    }

    static void Check(MappingList list, string?[] pages, Random random)
    {
        ulong last = 0;
        foreach (GuestMapping mapping in list.All)
        {
            Assert.True(mapping.Start >= last && mapping.End > mapping.Start);
            last = mapping.End;
        }

        for (int page = 0; page < Pages; page++)
        {
            Assert.Equal(pages[page], list.Find((ulong)page * PageSize + 5)?.Name);
        }

        int size = random.Next(1, 8);
        int expected = Enumerable.Range(1, Pages - size).Where(start => pages.AsSpan(start, size).IndexOfAnyExcept((string?)null) < 0).DefaultIfEmpty(0).Max();
        Assert.Equal((ulong)expected * PageSize, list.FindFree((ulong)size * PageSize, PageSize, Pages * PageSize));
    }
}
