namespace FastVcpu.Machine.Devices;

/// <summary>The other end of a PS/2 line: answers the commands that a driver sends to find out what is there.</summary>
sealed class Ps2Device : IStateful
{
    const byte Acknowledge = 0xFA, Resend = 0xFE, SelfTestPassed = 0xAA, Echo = 0xEE;
    const byte GetScanCodeSet = 0xF0, DefaultScanCodeSet = 2;

    readonly byte[] identification;
    readonly byte[] afterReset;
    readonly bool isMouse;
    byte pending, scanCodeSet = DefaultScanCodeSet, rate = 100, resolution = 2;
    bool isEnabled;

    Ps2Device(bool isMouse, byte[] identification, byte[] afterReset) => (this.isMouse, this.identification, this.afterReset) = (isMouse, identification, afterReset);

    public static Ps2Device Keyboard() => new(false, [0xAB, 0x83], [SelfTestPassed]);

    public static Ps2Device Mouse() => new(true, [0], [SelfTestPassed, 0]);

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        state.Value(ref pending);
        state.Value(ref scanCodeSet);
        state.Value(ref rate);
        state.Value(ref resolution);
        state.Value(ref isEnabled);
    }

    /// <summary>A byte arrives from the host: what the device answers.</summary>
    public byte[] Receive(byte value)
    {
        if (pending != 0)
        {
            byte command = pending;
            pending = 0;
            return Argument(command, value);
        }
        switch (value)
        {
            case 0xFF:
                Reset();
                return [Acknowledge, .. afterReset];
            case 0xF2:
                return [Acknowledge, .. identification];
            case 0xF3 or 0xED or 0xE8 or GetScanCodeSet when value == 0xF3 || isMouse == (value == 0xE8):
                pending = value;
                return [Acknowledge];
            case 0xF4 or 0xF5:
                isEnabled = value == 0xF4;
                return [Acknowledge];
            case 0xF6:
                Reset();
                return [Acknowledge];
            case Echo when !isMouse:
                return [Echo];
            case 0xE9 when isMouse:
                return [Acknowledge, (byte)(isEnabled ? 0x20 : 0), resolution, rate];
            case 0xEB when isMouse:
                return [Acknowledge, 8, 0, 0];
            case 0xE6 or 0xE7 or 0xEA or 0xF0 when isMouse:
                return [Acknowledge];
            default:
                return [Resend];
        }
    }

    byte[] Argument(byte command, byte value)
    {
        switch (command)
        {
            case GetScanCodeSet when value == 0:
                return [Acknowledge, scanCodeSet];
            case GetScanCodeSet:
                scanCodeSet = value;
                break;
            case 0xE8:
                resolution = value;
                break;
            case 0xF3:
                rate = value;
                break;
        }
        return [Acknowledge];
    }

    void Reset() => (isEnabled, scanCodeSet, rate, resolution) = (false, DefaultScanCodeSet, 100, 2);
}
