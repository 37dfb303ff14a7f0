using Xunit;
using Xunit.Abstractions;

namespace FastVcpu.Tests.Runner;

/// <summary>What xunit tells: collects the tests that are found, counts those that ended, and prints those that failed.</summary>
sealed class Progress : LongLivedMarshalByRefObject, IMessageSink, IDisposable
{
    readonly AutoResetEvent finished = new(false);

    public List<ITestCase> Found { get; } = [];

    public int Passed { get; private set; }

    public int Failed { get; private set; }

    /// <summary>Waits for the end of a search or of a run.</summary>
    public void Wait() => finished.WaitOne();

    public bool OnMessage(IMessageSinkMessage message)
    {
        lock (Found)
        {
            switch (message)
            {
                case ITestCaseDiscoveryMessage found:
                    Found.Add(found.TestCase);
                    break;
                case ITestPassed:
                    Passed++;
                    break;
                case ITestFailed failed:
                    Fail(failed.Test.DisplayName, failed);
                    break;
                case ITestClassCleanupFailure or ITestCollectionCleanupFailure or ITestAssemblyCleanupFailure or IErrorMessage:
                    Fail("outside of the tests", (IFailureInformation)message);
                    break;
                case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                    finished.Set();
                    break;
            }
        }
        return true;
    }

    public void Dispose() => finished.Dispose();

    void Fail(string what, IFailureInformation failure)
    {
        Failed++;
        Console.WriteLine($"FAILED: {what}: {failure.Messages[0]}\n{failure.StackTraces[0]}");
    }
}
