namespace FastVcpu;

/// <summary>
/// A part of a machine that has state: a device, mostly. The one description in <see cref="Transfer"/> serves saving, restoring and hashing, so that nothing can be in
/// one of them and not in the others. <see cref="VirtualMachine.AddState"/> makes it a part of the machine.
/// </summary>
public interface IStateful
{
    /// <summary>
    /// Passes all state through, in a fixed order: registers, queues, the levels of its interrupt lines, timers. Not what the embedder has configured. While restoring, nobody is told of
    /// anything: what an interrupt line leads to is restored by itself.
    /// </summary>
    /// <param name="state">Takes the values, or replaces them.</param>
    void Transfer(StateTransfer state);
}
