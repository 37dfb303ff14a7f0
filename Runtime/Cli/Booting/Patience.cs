using System.Diagnostics;

namespace FastVcpu.Cli.Booting;

/// <summary>Tells on standard error how long a machine has been running while it has said nothing yet.</summary>
sealed class Patience : IDisposable
{
    const int TerminalInterval = 250, FileInterval = 10_000, FirstInterval = 2000;

    readonly long start = Stopwatch.GetTimestamp();
    readonly Func<bool> hasSaidSomething;
    readonly Timer timer;
    bool isShown;

    public Patience(Func<bool> hasSaidSomething)
    {
        this.hasSaidSomething = hasSaidSomething;
        int interval = Console.IsErrorRedirected ? FileInterval : TerminalInterval;
        timer = new Timer(_ => Show(), null, Math.Min(interval, FirstInterval), interval);
    }

    public void Dispose()
    {
        timer.Dispose();
        Clear();
    }

    void Show()
    {
        if (hasSaidSomething())
        {
            timer.Change(Timeout.Infinite, Timeout.Infinite);
            Clear();
            return;
        }
        string text = $"fastvcpu: running for {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, nothing on the console yet";
        isShown = !Console.IsErrorRedirected;
        Console.Error.Write(isShown ? "\r" + text : text + "\n");
    }

    void Clear()
    {
        if (isShown)
        {
            isShown = false;
            Console.Error.Write("\r\x1b[K");
        }
    }
}
