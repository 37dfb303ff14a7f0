namespace FastVcpu.Linux.SystemCalls;

/// <summary>Serves a call. Returns the result, or a negated error number.</summary>
delegate long SystemCallHandler(SystemCallContext call);

/// <summary>A row of a system call table.</summary>
/// <param name="Name">Name, as strace prints it.</param>
/// <param name="Handler">What serves it.</param>
/// <param name="Arguments">
/// Kinds of its arguments, for traces: d int, u unsigned, x hexadecimal, o octal, l long, p pointer, s string, b buffer whose size is the next
/// argument, B buffer that the call fills and whose size is its result, F directory descriptor, O open flags, S signal; behind a colon the kind of the result (d when absent).
/// </param>
/// <param name="HasWideTime">Its times have 64-bit fields also in i386 (the time64 calls).</param>
sealed record SystemCall(string Name, SystemCallHandler Handler, string Arguments, bool HasWideTime = false);
