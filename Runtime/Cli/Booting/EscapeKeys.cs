using System.Text;

namespace FastVcpu.Cli.Booting;

/// <summary>What is typed at the console and is not for the guest: Ctrl-A X ends, Ctrl-A C changes to the monitor and back, Ctrl-A Ctrl-A is one Ctrl-A for the guest.</summary>
/// <param name="monitor">Runs the commands.</param>
/// <param name="echo">Shows text to the one who types.</param>
sealed class EscapeKeys(Monitor monitor, Action<string> echo)
{
    const byte Escape = 1, Backspace = 8, Delete = 0x7F;

    readonly StringBuilder command = new();
    bool isEscaped, isInMonitor;

    /// <summary>True when the byte is not for the guest.</summary>
    public bool Take(byte value)
    {
        if (isEscaped)
        {
            isEscaped = false;
            return TakeEscaped(value);
        }
        if (value == Escape)
        {
            return isEscaped = true;
        }
        if (isInMonitor)
        {
            Edit(value);
        }
        return isInMonitor;
    }

    bool TakeEscaped(byte value)
    {
        switch (char.ToLowerInvariant((char)value))
        {
            case 'x':
                monitor.Quit();
                return true;
            case 'c':
                isInMonitor = !isInMonitor;
                echo(isInMonitor ? "\r\n" + Monitor.Prompt : "\r\n");
                return true;
            case (char)Escape when !isInMonitor:
                return false;
            default:
                echo("\r\nCtrl-A X ends, Ctrl-A C changes to the monitor and back, Ctrl-A Ctrl-A sends Ctrl-A\r\n");
                return true;
        }
    }

    void Edit(byte value)
    {
        switch (value)
        {
            case (byte)'\r' or (byte)'\n':
                string answer = monitor.Run(command.ToString()).ReplaceLineEndings("\r\n");
                command.Clear();
                echo("\r\n" + answer + Monitor.Prompt);
                break;
            case Backspace or Delete when command.Length > 0:
                command.Length--;
                echo("\b \b");
                break;
            case >= 0x20 and < Delete:
                command.Append((char)value);
                echo(((char)value).ToString());
                break;
        }
    }
}
