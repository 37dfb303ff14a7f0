using System.Collections.Generic;
using System.Linq;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>Writes one handler: translate and read everything, compute, store, commit, go on.</summary>
sealed class HandlerWriter
{
    readonly CodeWriter _writer;
    readonly FormVariant _variant;
    readonly Form _form;
    readonly IReadOnlyList<Operand> _operands;
    readonly int _memory, _push, _pop;

    /// <summary>What a failure has to take back.</summary>
    string _undo = "";

    /// <summary>Where the flags are before the instruction.</summary>
    public string FlagsBefore { get; set; } = "s->Flags";

    /// <summary>The result of the op before, which may be an operand of this one: its class. The variable is <c>result</c>, the type parameter <c>TLink</c> says where it is used.</summary>
    public OperandClass? Linked { get; set; }

    /// <summary>Constant arguments of the semantics.</summary>
    public string Arguments { get; set; }

    public HandlerWriter(CodeWriter writer, FormVariant variant)
    {
        _writer = writer;
        _variant = variant;
        _form = variant.Form;
        Arguments = _form.Semantics.Arguments;
        _operands = _form.Operands;
        _memory = variant.Memory == null ? -1 : Index(o => o == variant.Memory);
        _push = Index(o => o.Kind.Class == OperandClass.Push);
        _pop = Index(o => o.Kind.Class == OperandClass.Pop);
    }

    bool IsLockable => _form.Lock != LockRule.Illegal && _memory >= 0;

    public void Write(string name)
    {
        string parameters = HandlerGenerics.List(HandlerGenerics.Parameters(_variant)), constraints = HandlerGenerics.Constraints(_variant);
        _writer.Line($"// {_form.Row.Text} | {string.Join(" ", _operands.Select(o => o.Word.Text))}");
        _writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        _writer.Block($"public static long {name}{parameters}(CpuState* s, Op* op, long fuel){constraints}", () =>
        {
            WriteInstruction();
            HandlerEnds.Write(_writer, _form);
        });
    }

    /// <summary>Everything but where it goes on.</summary>
    public void WriteInstruction()
    {
        if (_form.EntersMmx)
        {
            _writer.Block("if (FpuStack.HasError(s))", () => Fail("Leave.FloatingPoint(s, op, fuel)"));
        }
        Pop();
        Memory();
        Push();
        Registers();
        Compute();
        Store();
        Commit();
    }

    void Pop()
    {
        if (_pop < 0)
        {
            return;
        }
        _writer.Line("ulong sp = TStack.Pointer(s);");
        Stack("Read");
        _writer.Line($"{Type(_pop)} a{_pop + 1} = Unsafe.ReadUnaligned<{Type(_pop)}>(stackPointer);");
        if (_variant.IsMemory)
        {
            // POP m: the destination's address is computed with the incremented stack pointer.
            _writer.Line($"TStack.SetPointer(s, sp + {Size(_pop)});");
            _undo = "TStack.SetPointer(s, sp);";
        }
    }

    void Push()
    {
        if (_push < 0)
        {
            return;
        }
        _writer.Line($"ulong sp = TStack.Pointer(s) - {Size(_push)};");
        Stack("Write");
    }

    void Stack(string access)
    {
        string type = Type(_push < 0 ? _pop : _push);
        _writer.Line($"ulong stackAddress = TStack.Linear(s, op, sp, (uint)Unsafe.SizeOf<{type}>());");
        Locate("stackPointer", $"{access}Stack", access, type, "stackAddress");
    }

    void Memory()
    {
        if (_memory < 0)
        {
            return;
        }
        string type = Type(_memory), access = _operands[_memory].IsWritten ? "Write" : "Read";
        string extra = "0";
        if (_operands[_memory].Kind.IsBitString)
        {
            Read(_memory + 1);
            _writer.Line($"ulong extra = (ulong)((long)Bits.Sign(a{_memory + 2}) >> 3) & (ulong)-Unsafe.SizeOf<{type}>();");
            extra = "extra";
        }
        else if (_operands[_memory].Kind.Place == OperandPlace.Bx)
        {
            extra = "(byte)s->Rax";
        }
        string linear = access == "Write" ? "LinearForWrite" : "Linear";
        string address = $"TAddress.{linear}(s, op, (uint)Unsafe.SizeOf<{type}>(), {extra})";
        _writer.Line($"ulong address = {(Linked == OperandClass.Gpr && extra == "0" ? $"TLink.Kind is Link.Base or Link.Index ? LinkedAddress.Of<TAddress, TLink>(s, op, Bits.Zero(result)) : {address}" : address)};");
        if (_form.NeedsAlignment)
        {
            _writer.Block($"if ((address & {_variant.VectorBytes(_operands[_memory]) - 1}) != 0)", () => Fail("Leave.Misaligned(s, op, fuel)"));
        }
        string accessor = _operands[_memory].IsRead && _operands[_memory].IsWritten ? "ReadWrite" : access;
        Locate("p", accessor, access, type, "address");
        // A locked instruction reads in its loop.
        if (_operands[_memory].IsRead && !IsLockable)
        {
            _writer.Line($"{type} a{_memory + 1} = Unsafe.ReadUnaligned<{type}>(p);");
        }
    }

    /// <summary>Declares a pointer to an operand. A hit must not meet a test for null, so the fast way is written out.</summary>
    void Locate(string pointer, string accessor, string access, string type, string address)
    {
        _writer.Line($"byte* {pointer};");
        _writer.Block("if (TFlavour.IsFast)", () =>
        {
            _writer.Line($"TlbEntry* page = Tlb.{access}Entry(s, {address});");
            _writer.Block($"if (!page->Holds<{type}>({address}))", () => Fail($"s->{access}Miss(s, op, fuel, {address})"));
            _writer.Line($"{pointer} = page->{access}Pointer({address});");
        });
        _writer.Block("else", () =>
        {
            _writer.Line($"{pointer} = Access.{accessor}<{type}, TFlavour>(s, op, {address});");
            _writer.Block($"if ({pointer} == null)", () => Fail("Leave.Fault(s, op, fuel)"));
        });
    }

    void Fail(string call)
    {
        if (_undo.Length > 0)
        {
            _writer.Line(_undo);
        }
        _writer.Line($"return {call};");
    }

    void Registers()
    {
        for (int i = 0; i < _operands.Count; i++)
        {
            bool isDone = i == _memory || i == _pop || (_memory >= 0 && _operands[_memory].Kind.IsBitString && i == _memory + 1);
            if (_operands[i].IsRead && !isDone && _operands[i].Kind.Class != OperandClass.Rel)
            {
                Read(i);
            }
        }
    }

    void Read(int index) => _writer.Line($"{Type(index)} a{index + 1} = {(CanLink(index) ? LinkedRead(index) : OperandText.Read(_variant, index))};");

    string LinkedRead(int index) =>
        $"TLink.Kind == Link.Operand{index + 1} ? {(Linked == OperandClass.Gpr ? $"Bits.Truncate<{Type(index)}>(Bits.Zero(result))" : "result")} : {OperandText.Read(_variant, index)}";

    /// <summary>The operand is read from a register that the op names, of the linked class; of a vector register all that the result has.</summary>
    public bool CanLink(int index) => Linked is { } kind && _operands[index].Kind is { } operand && operand.Place is not (OperandPlace.Fixed or OperandPlace.Is4)
        && operand.Class == kind && index != _memory && _operands[index].IsRead && (kind == OperandClass.Gpr || Type(index) == FormVariant.TypeOfBits(128));

    /// <summary>The position of the register operand that the next op may take from this one: the only one that is written, and in full. Or -1.</summary>
    public int Result()
    {
        List<int> written = Enumerable.Range(0, _operands.Count).Where(i => _operands[i].IsWritten).ToList();
        if (written.Count != 1 || written[0] == _memory || _operands[written[0]].Kind.Place == OperandPlace.Fixed)
        {
            return -1;
        }
        return (_operands[written[0]].Kind.Class, Type(written[0])) switch
        {
            (OperandClass.Gpr, "T" or "uint" or "ulong") or (OperandClass.Xmm, "Vector128<byte>") => written[0],
            _ => -1,
        };
    }

    void Compute()
    {
        if (!IsLockable)
        {
            Flags("Flags f");
            Call(declares: true);
            if (_form.End == FormEnd.Jcc && _operands.Any(o => o.IsWritten))
            {
                _writer.Block("if (taken && op->LeavesSegment != 0)", () => Fail("Leave.Outside(s, op, fuel)"));
            }
            return;
        }
        string type = Type(_memory), value = $"a{_memory + 1}";
        if (_form.Flags.Any)
        {
            _writer.Line("Flags f;");
        }
        foreach (string result in Results().Select(r => $"{r.Type} {r.Name};"))
        {
            _writer.Line(result);
        }
        _writer.Block("if (TFlavour.IsLocked)", () =>
        {
            _writer.Line($"{type} {value};");
            _writer.Block("do", () =>
            {
                _writer.Line($"{value} = Unsafe.ReadUnaligned<{type}>(p);");
                Flags("f");
                Call(declares: false);
            });
            _writer.Line($"while (!Atomic.TryExchange(p, {value}, r{_memory + 1}));");
        });
        _writer.Block("else", () =>
        {
            _writer.Line($"{type} {value} = Unsafe.ReadUnaligned<{type}>(p);");
            Flags("f");
            Call(declares: false);
            _writer.Line($"Unsafe.WriteUnaligned(p, r{_memory + 1});");
        });
    }

    void Flags(string target)
    {
        if (!_form.Flags.Any)
        {
            return;
        }
        _writer.Line(!NeedsFlags ? $"Unsafe.SkipInit(out {target});" : $"{target} = {FlagsBefore};");
    }

    /// <summary>The flags before the instruction matter to it.</summary>
    public bool NeedsFlags => _form.Flags.Any && (_form.Flags.Read != 0 || _form.Flags.Overwritten != FlagEffects.All);

    /// <summary>What the semantics return: the written operands, then where a branch goes.</summary>
    IEnumerable<(string Type, string Name)> Results()
    {
        for (int i = 0; i < _operands.Count; i++)
        {
            if (_operands[i].IsWritten)
            {
                yield return (Type(i), $"r{i + 1}");
            }
        }
        if (_form.End == FormEnd.Jcc)
        {
            yield return ("bool", "taken");
        }
        if (_form.End is FormEnd.Ind or FormEnd.Ret)
        {
            yield return ("ulong", "target");
        }
    }

    void Call(bool declares)
    {
        List<string> arguments = new();
        bool seesState = _form.Semantics.Tier is SemanticsTier.Cpu or SemanticsTier.Try;
        if (seesState)
        {
            arguments.Add("s");
        }
        if (_form.Flags.Any)
        {
            arguments.Add("ref f");
        }
        if (Arguments.Length > 0)
        {
            arguments.Add(Arguments);
        }
        arguments.AddRange(Enumerable.Range(0, _operands.Count)
            .Where(i => _operands[i].IsRead && _operands[i].Kind.Class != OperandClass.Rel).Select(i => $"a{i + 1}"));
        List<string> results = Results().Select(r => declares ? $"{r.Type} {r.Name}" : r.Name).ToList();
        if (_form.Semantics.Tier == SemanticsTier.Try)
        {
            arguments.AddRange(results.Select(r => $"out {r}"));
            _writer.Block($"if (!{HandlerGenerics.Method(_variant)}({string.Join(", ", arguments)}))", () => Fail("s->ComputeMiss(s, op, fuel)"));
        }
        else
        {
            string call = $"{HandlerGenerics.Method(_variant)}({string.Join(", ", arguments)});";
            _writer.Line(results.Count switch
            {
                0 => call,
                1 => $"{results[0]} = {call}",
                _ => $"({string.Join(", ", results)}) = {call}",
            });
        }
        if (seesState)
        {
            // What is tried and succeeds has raised nothing.
            string condition = _form.Semantics.Tier == SemanticsTier.Try ? "!TFlavour.IsFast && s->Fault != 0" : "s->Fault != 0";
            _writer.Block($"if ({condition})", () => Fail("Leave.Fault(s, op, fuel)"));
        }
    }

    void Store()
    {
        if (_memory >= 0 && _operands[_memory].IsWritten)
        {
            Store("p", "address", _memory, isStored: IsLockable);
        }
        if (_push >= 0)
        {
            Store("stackPointer", "stackAddress", _push, isStored: false);
        }
    }

    void Store(string pointer, string address, int index, bool isStored)
    {
        if (!isStored)
        {
            _writer.Line($"Unsafe.WriteUnaligned({pointer}, r{index + 1});");
        }
        _writer.Block($"if (!Access.Commit<{Type(index)}, TFlavour>(s, op, {address}, {pointer}))", () => Fail("Leave.Fault(s, op, fuel)"));
    }

    void Commit()
    {
        if (_form.EntersMmx)
        {
            _writer.Line("Mmx.Enter(s);");
        }
        if (_push >= 0)
        {
            _writer.Line("TStack.SetPointer(s, sp);");
        }
        if (_pop >= 0 && _undo.Length == 0)
        {
            _writer.Line($"TStack.SetPointer(s, sp + {Size(_pop)});");
        }
        for (int i = 0; i < _operands.Count; i++)
        {
            if (_operands[i].IsWritten && i != _memory && i != _push)
            {
                _writer.Line(OperandText.Write(_variant, i));
            }
        }
        if (_form.Flags.Changed != 0)
        {
            _writer.Block("if (TFlavour.StoresFlags)", () => _writer.Line("s->Flags = f;"));
        }
    }

    string Type(int index) => _variant.TypeOf(_operands[index]);

    string Size(int index) => $"(ulong)Unsafe.SizeOf<{Type(index)}>()";

    int Index(System.Func<Operand, bool> predicate)
    {
        for (int i = 0; i < _operands.Count; i++)
        {
            if (predicate(_operands[i]))
            {
                return i;
            }
        }
        return -1;
    }
}
