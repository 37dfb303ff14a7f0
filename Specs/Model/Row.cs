using System.Collections.Generic;

namespace FastVcpu.Specs;

/// <summary>How a row uses an operand.</summary>
[System.Flags]
public enum OperandAccess
{
    Read = 1,
    Write = 2,
    ReadWrite = 3,
    /// <summary>The bits above a scalar result come from it; the method does not get it.</summary>
    Merge = 4,
}

/// <summary>An operand of a row.</summary>
public sealed class Operand
{
    public Operand(OperandKind kind, OperandAccess access, Word word)
    {
        Kind = kind;
        Access = access;
        Word = word;
    }

    public OperandKind Kind { get; }
    public OperandAccess Access { get; }

    /// <summary>The operand as written in the row.</summary>
    public Word Word { get; }
    public bool IsRead => (Access & OperandAccess.Read) != 0;
    public bool IsWritten => (Access & OperandAccess.Write) != 0;
}

/// <summary>A word of an instruction line or of the third column: a key, and a value after <c>=</c>.</summary>
public readonly struct RowAttribute
{
    public RowAttribute(string key, string value, Word word)
    {
        Key = key;
        Value = value;
        Word = word;
    }

    public string Key { get; }
    public string Value { get; }
    public Word Word { get; }
}

/// <summary>A form line with the instruction line above it, as written.</summary>
public sealed class Row
{
    public Row(Word mnemonic, Place place, Encoding encoding, IReadOnlyList<Operand> operands, IReadOnlyDictionary<string, RowAttribute> attributes, string text)
    {
        Mnemonic = mnemonic;
        Place = place;
        Encoding = encoding;
        Operands = operands;
        Attributes = attributes;
        Text = text;
    }

    public Word Mnemonic { get; }
    public Place Place { get; }
    public Encoding Encoding { get; }
    public IReadOnlyList<Operand> Operands { get; }

    /// <summary>The attributes of the instruction line, replaced by those of the form line.</summary>
    public IReadOnlyDictionary<string, RowAttribute> Attributes { get; }

    /// <summary>The encoding column, for people.</summary>
    public string Text { get; }
}
