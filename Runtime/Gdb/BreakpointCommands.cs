using FastVcpu.Gdb.Protocol;

namespace FastVcpu.Gdb;

/// <summary>Z and z: breakpoints and watchpoints.</summary>
sealed class BreakpointCommands(World world, ThreadSelection threads)
{
    public string Reply(string text)
    {
        // Ztype,address,kind and perhaps conditions, which are the client's to check.
        string[] parts = text[1..].Split(';')[0].Split(',');
        if (parts is not [[>= '0' and <= '4'] type, var where, var size]
            || !Hex.TryNumber(where, out ulong address) || !Hex.TryNumber(size, out ulong length) || length > 64
            || threads.General is not { Cpu: var cpu })
        {
            return parts[0] is ['0' or '1' or '2' or '3' or '4'] ? Session.Error : "";
        }
        bool isSet = text[0] == 'Z';
        return (type[0] == '0' ? Software(cpu, isSet, address) : Hardware(cpu, isSet, type[0], address, (int)length)) ? Session.Done : Session.Error;
    }

    bool Software(Vcpu cpu, bool isSet, ulong address)
    {
        if (isSet)
        {
            return world.Software.TryAdd(cpu, address);
        }
        world.Software.Remove(cpu, address);
        return true;
    }

    bool Hardware(Vcpu cpu, bool isSet, char kind, ulong address, int length)
    {
        if (!isSet)
        {
            world.Hardware.Remove(kind, address, length);
            return true;
        }
        if (!world.Hardware.TryAdd(kind, address, length))
        {
            return false;
        }
        try
        {
            cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.UseHardwareBreakpoints, world.Hardware.Registers);
            return true;
        }
        catch (ArgumentException)
        {
            world.Hardware.Remove(kind, address, length);
            return false;
        }
    }
}
