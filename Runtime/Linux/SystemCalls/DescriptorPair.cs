using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Gives the two ends of a pipe or of a pair of sockets to the guest.</summary>
static class DescriptorPair
{
    /// <summary>Adds both ends and writes their numbers; when that fails, neither is left.</summary>
    /// <param name="c">The call.</param>
    /// <param name="address">Where the two numbers go.</param>
    /// <param name="first">First end.</param>
    /// <param name="second">Second end.</param>
    /// <param name="kind">What /proc/self/fd calls them.</param>
    /// <param name="firstMode">Access mode of the first end.</param>
    /// <param name="secondMode">Access mode of the second end.</param>
    /// <param name="flags">O_NONBLOCK and O_CLOEXEC.</param>
    public static long Add(SystemCallContext c, ulong address, HostFile first, HostFile second, string kind, OpenFlags firstMode, OpenFlags secondMode, OpenFlags flags)
    {
        OpenFlags status = flags & OpenFlags.NonBlocking;
        bool closeOnExec = (flags & OpenFlags.CloseOnExec) != 0;
        int number = c.System.NewQueue();
        string name = $"{kind}:[{number}]";
        PipeEnds? ends = firstMode == secondMode ? null : new PipeEnds();
        DescriptorTable table = c.Process.Descriptors;
        HostOpenFile firstFile = new(first, name, firstMode | status, queue: number, ends: ends), secondFile = new(second, name, secondMode | status, queue: number, ends: ends);
        long firstNumber = table.Add(firstFile, closeOnExec);
        if (firstNumber < 0)
        {
            secondFile.Release();
            return firstNumber;
        }

        long secondNumber = table.Add(secondFile, closeOnExec);
        StructWriter w = c.Struct(stackalloc byte[8]);
        w.Int((int)firstNumber);
        w.Int((int)secondNumber);
        long result = secondNumber < 0 ? secondNumber : c.Write(address, w.Written);
        if (result < 0)
        {
            table.Close((int)firstNumber);
            table.Close((int)secondNumber);
        }

        return result;
    }
}
