namespace FastVcpu.Tests;

/// <summary>Requests that a vCPU ends its run, from a thread of their own, one after the other for as long as they are wanted.</summary>
sealed class ExitRequests : IDisposable
{
    readonly Thread thread;
    volatile bool isEnding;

    public ExitRequests(Vcpu cpu)
    {
        thread = new Thread(() =>
        {
            while (!isEnding)
            {
                cpu.RequestExit();
                Thread.Sleep(1);
            }
        });
        thread.Start();
    }

    public void Dispose()
    {
        isEnding = true;
        thread.Join();
    }
}
