using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>The last statements of a handler: where it goes on.</summary>
static class HandlerEnds
{
    public static void Write(CodeWriter writer, Form form)
    {
        switch (form.End)
        {
            case FormEnd.Jcc:
                writer.Line("Op* next = taken ? op->Taken : op->Fall;");
                Enter(writer);
                break;
            case FormEnd.Jmp or FormEnd.Call:
                if (form.End == FormEnd.Call)
                {
                    PushReturn(writer);
                }
                writer.Line("Op* next = op->Taken;");
                Enter(writer);
                break;
            case FormEnd.Ind:
                if (form.Operands.Any(o => o.Kind.Class == OperandClass.Push))
                {
                    PushReturn(writer);
                }
                Indirect(writer);
                break;
            case FormEnd.Ret:
                writer.Line("Op* expected = ReturnStack.Pop(s, target);");
                writer.Block("if (expected != null)", () =>
                {
                    writer.Line("Op* next = expected;");
                    Enter(writer);
                });
                Indirect(writer);
                break;
            case FormEnd.Mode:
                if (form.Shadow == "ss")
                {
                    writer.Line("s->Shadow |= InterruptShadow.MovSs;");
                }
                writer.Line("return Leave.Next(s, op, fuel);");
                break;
            default:
                writer.Line("op++;");
                writer.Line("return op->Handler(s, op, fuel);");
                break;
        }
    }

    /// <summary>The second stub behind a call stands for the block that it returns to.</summary>
    static void PushReturn(CodeWriter writer) => writer.Line("ReturnStack.Push(s, op[2].Rip, op + 2);");

    static void Indirect(CodeWriter writer)
    {
        writer.Line("JumpCacheEntry* entry = JumpCache.Entry(s, target);");
        writer.Block("if (entry->Rip == target && entry->Mode == s->Mode)", () =>
        {
            writer.Line("Op* next = entry->Op;");
            Enter(writer);
        });
        writer.Line("return Leave.Indirect(s, target, fuel);");
    }

    /// <summary>Charges and enters the block at <c>next</c>.</summary>
    static void Enter(CodeWriter writer)
    {
        writer.Line("fuel -= next->Remaining;");
        writer.Block("if (fuel < 0 || s->Pending != 0)", () => writer.Line("return Leave.Branch(s, next, fuel);"));
        writer.Line("return next->Handler(s, next, fuel);");
    }
}
