using System.Reflection;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>The specification of guest debugging has numbered statements; each has a test that begins with its number.</summary>
public sealed class StatementTests
{
    /// <summary>H1 and H2 are about the server for gdb, and are tested there.</summary>
    static readonly string[] All =
    [
        .. Numbers('A', 4), .. Numbers('B', 5), .. Numbers('C', 8), .. Numbers('D', 3), .. Numbers('E', 6), .. Numbers('F', 9), .. Numbers('G', 14), "H3",
    ];

    [Fact]
    public void EachHasATest()
    {
        string[] tested = [.. typeof(StatementTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FactAttribute>() != null)
            .Select(method => method.Name.Split('_')[0].TrimEnd('a', 'b', 'c'))];
        Assert.Empty(All.Except(tested));
    }

    static IEnumerable<string> Numbers(char section, int count) => Enumerable.Range(1, count).Select(number => $"{section}{number}");
}
