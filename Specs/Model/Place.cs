using System;

namespace FastVcpu.Specs;

/// <summary>A piece of a line of an .isa file. Lines and columns count from 1.</summary>
public readonly struct Place : IEquatable<Place>
{
    public Place(string file, int line, int column, int length)
    {
        File = file;
        Line = line;
        Column = column;
        Length = length;
    }

    public string File { get; }
    public int Line { get; }
    public int Column { get; }
    public int Length { get; }

    public bool Equals(Place other) => File == other.File && Line == other.Line && Column == other.Column && Length == other.Length;

    public override bool Equals(object? obj) => obj is Place other && Equals(other);

    public override int GetHashCode() => (Line * 397) ^ Column;

    public override string ToString() => $"{File}({Line},{Column})";
}
