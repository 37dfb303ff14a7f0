using FastVcpu.Fuzz.Devices;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>Guests that write and read random values everywhere can neither crash nor hang the host. <c>tests/Fuzz devices</c> does the same for as long as one likes.</summary>
public class HostileGuestTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomAccessesDoNoHarm(int seed) => Assert.Null(new DeviceFuzzer().Run(seed));
}
