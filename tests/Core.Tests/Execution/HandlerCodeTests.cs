using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;
using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>
/// Every handler goes on to the next op by a jump. C# does not promise it: one local whose address is taken and the chain grows the host's
/// stack. So the machine code of all handlers is looked at.
/// </summary>
public sealed unsafe class HandlerCodeTests
{
    static readonly Type[] Widths = [typeof(byte), typeof(ushort), typeof(uint), typeof(ulong)];
    static readonly Type[] Addresses = [typeof(Base64), typeof(Full64), typeof(Base32), typeof(Segmented16)];
    static readonly Type[] Stacks = [typeof(Stack64), typeof(StackSegmented16)];
    static readonly Type[] Flavours = [typeof(Fast), typeof(FastDeadFlags), typeof(Careful), typeof(Locked)];

    static bool IsHandler(MethodInfo method) =>
        method.ReturnType == typeof(long) && method.GetParameters() is { Length: 3 or 4 } parameters
        && (method.MethodImplementationFlags & MethodImplAttributes.AggressiveOptimization) != 0
        && parameters[0].ParameterType == typeof(CpuState*) && parameters[1].ParameterType == typeof(Op*) && parameters[2].ParameterType == typeof(long);

    static IEnumerable<MethodInfo> Handlers() => typeof(Vcpu).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        .Where(IsHandler);

    [Fact]
    public void HandlersAreCompiledOnceAndFully()
    {
        foreach (MethodInfo method in typeof(Handlers).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
        {
            Assert.True((method.MethodImplementationFlags & MethodImplAttributes.AggressiveOptimization) != 0, method.Name);
        }
    }

    [Fact]
    public void NoHandlerCallsTheNextOneInsteadOfJumping()
    {
        // Where chains are kept short anyway, for want of vector instructions, it is known that some do.
        if (RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64) || TailCalls.Quantum != long.MaxValue)
        {
            return;
        }
        List<string> offenders = [];
        int looked = 0;
        foreach (MethodInfo method in Handlers().Where(m => m.DeclaringType != typeof(TailCalls)))
        {
            foreach (Type[] arguments in Instantiations(method))
            {
                MethodInfo closed = arguments.Length == 0 ? method : method.MakeGenericMethod(arguments);
                RuntimeHelpers.PrepareMethod(method.MethodHandle, [.. arguments.Select(a => a.TypeHandle)]);
                var pointer = (delegate*<CpuState*, Op*, long, long>)closed.MethodHandle.GetFunctionPointer();
                var code = (byte*)DirectPointer.Of(pointer);
                Assert.True(code != pointer, "The handler's code is not found, or it is not compiled.");
                if ((RuntimeInformation.ProcessArchitecture == Architecture.X64 ? CallThroughPointer(code) : Arm64Code.CallThroughPointer((uint*)code)) is { } call)
                {
                    offenders.Add($"{method.Name}<{string.Join(", ", arguments.Select(a => a.Name))}>: {call}");
                }
                looked++;
            }
        }
        Assert.True(offenders.Count == 0, $"{offenders.Count} of {looked}: {string.Join("; ", offenders.Take(60))}");
        Assert.True(looked > 1000);
    }

    static IEnumerable<Type[]> Instantiations(MethodInfo method)
    {
        IEnumerable<Type[]> all = [[]];
        foreach (Type parameter in method.GetGenericArguments())
        {
            Type[] choices = method.DeclaringType == typeof(FusedHandlers) ? FusedChoices(parameter.Name.TrimEnd('2')) : parameter.Name switch
            {
                "TAddress" => Addresses,
                "TStack" => Stacks,
                "TFlavour" => Flavours,
                _ when parameter.GetGenericParameterConstraints().FirstOrDefault(c => c.IsInterface) is { } role => Implementations(role),
                _ => [typeof(uint), typeof(ulong)],
            };
            all = all.SelectMany(head => choices.Select(choice => (Type[])[.. head, choice]));
        }
        return all;
    }

    /// <summary>A fused handler is made of texts that are looked at by themselves too, so few of its many instantiations will do.</summary>
    static Type[] FusedChoices(string parameter) => parameter switch
    {
        "TAddress" => [typeof(Full64)],
        "TStack" => [typeof(Stack64)],
        "TFlavour" => [typeof(Fast)],
        "TLink" => [typeof(LinkedOperand1), typeof(LinkedIndex)],
        "TFront" => [typeof(BlockFront)],
        "TCondition" => [typeof(Condition<Bit1, Bit1, Bit0, Bit0>)],
        _ => [typeof(uint)],
    };

    static Type[] Implementations(Type role) =>
        [.. typeof(Vcpu).Assembly.GetTypes().Where(type => type.IsValueType && !type.IsGenericType && role.IsAssignableFrom(type)).Take(2)];

    /// <summary>Follows the code of a method to its end and looks for a call of a handler: through a register, or through memory that is not a cell of the runtime.</summary>
    static string? CallThroughPointer(byte* code)
    {
        const int Longest = 1 << 16;
        using UnmanagedMemoryStream stream = new(code, Longest);
        Decoder decoder = Decoder.Create(64, new StreamCodeReader(stream), (ulong)code);
        ulong reached = (ulong)code;
        while (decoder.IP < (ulong)code + Longest - 16)
        {
            ulong offset = decoder.IP - (ulong)code;
            Instruction instruction = decoder.Decode();
            if (instruction.Mnemonic == Mnemonic.Call && (instruction.Op0Kind == OpKind.Register || (instruction.Op0Kind == OpKind.Memory && !instruction.IsIPRelativeMemoryOperand)))
            {
                return $"{instruction} at {offset}, in {Convert.ToHexString(new ReadOnlySpan<byte>(code, (int)(decoder.IP - (ulong)code)))}";
            }
            if (instruction.Op0Kind == OpKind.NearBranch64 && instruction.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch)
            {
                if (instruction.NearBranchTarget < (ulong)code + Longest)
                {
                    reached = Math.Max(reached, instruction.NearBranchTarget);
                }
            }
            bool ends = instruction.FlowControl is FlowControl.UnconditionalBranch or FlowControl.IndirectBranch or FlowControl.Return or FlowControl.Interrupt or FlowControl.Exception;
            if (ends && decoder.IP > reached)
            {
                return null;
            }
        }
        return null;
    }
}
