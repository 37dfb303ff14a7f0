namespace FastVcpu.Interrupts;

/// <summary>Brings interrupt messages to the local APICs that they are for. From any thread.</summary>
sealed class ApicBus
{
    readonly Lock gate = new();
    volatile LocalApic[] apics = [];

    public IReadOnlyList<LocalApic> Apics => apics;

    public void Add(LocalApic apic)
    {
        lock (gate)
        {
            apics = [.. apics, apic];
        }
    }

    /// <summary>Delivers a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="source">The local APIC that sends it; null: another device.</param>
    /// <returns>How many have taken it.</returns>
    public int Deliver(in ApicMessage message, LocalApic? source)
    {
        if (message.Mode == DeliveryMode.LowestPriority)
        {
            return FindLowest(message, source) is { } lowest && lowest.Accept(message) ? 1 : 0;
        }
        int taken = 0;
        foreach (LocalApic apic in apics)
        {
            taken += IsFor(apic, message, source) && apic.Accept(message) ? 1 : 0;
        }
        return taken;
    }

    /// <summary>Of those that a message is for, the enabled one whose processor does the least urgent work.</summary>
    LocalApic? FindLowest(in ApicMessage message, LocalApic? source)
    {
        LocalApic? lowest = null;
        foreach (LocalApic apic in apics)
        {
            bool isCandidate = apic.IsEnabled && IsFor(apic, message, source);
            lowest = isCandidate && (lowest == null || apic.ProcessorPriority < lowest.ProcessorPriority) ? apic : lowest;
        }
        return lowest;
    }

    static bool IsFor(LocalApic apic, in ApicMessage message, LocalApic? source) => message.Shorthand switch
    {
        DestinationShorthand.Self => apic == source,
        DestinationShorthand.AllIncludingSelf => apic.IsPresent,
        DestinationShorthand.AllExcludingSelf => apic.IsPresent && apic != source,
        _ => apic.IsPresent && apic.Matches(message),
    };
}
