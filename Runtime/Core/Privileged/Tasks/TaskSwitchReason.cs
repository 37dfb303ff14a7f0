namespace FastVcpu.Privileged.Tasks;

/// <summary>What switches the task; it decides about busy bits, the link and NT (SDM Vol. 3 table 7-2).</summary>
enum TaskSwitchReason
{
    Jump,
    /// <summary>CALL: the new task is nested.</summary>
    Call,
    /// <summary>An interrupt or exception through a task gate: nested as well.</summary>
    Event,
    /// <summary>IRET of a nested task.</summary>
    Return,
}
