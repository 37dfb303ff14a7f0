using System.Collections.Generic;

namespace FastVcpu.Specs;

/// <summary>A word of a line.</summary>
public readonly struct Word
{
    public Word(string text, Place place)
    {
        Text = text;
        Place = place;
    }

    public string Text { get; }
    public Place Place { get; }

    public override string ToString() => Text;

    /// <summary>The part of the word from <paramref name="start"/> on.</summary>
    public Word Part(int start, int length) =>
        new(Text.Substring(start, length), new Place(Place.File, Place.Line, Place.Column + start, length));
}

/// <summary>A line of an .isa file that is not empty: its columns, separated by <c>|</c>, as words.</summary>
public sealed class Line
{
    Line(Place place, bool isIndented, IReadOnlyList<IReadOnlyList<Word>> columns, string lastColumn)
    {
        Place = place;
        IsIndented = isIndented;
        Columns = columns;
        LastColumn = lastColumn;
    }

    public Place Place { get; }
    public bool IsIndented { get; }
    public IReadOnlyList<IReadOnlyList<Word>> Columns { get; }

    /// <summary>The last column as text.</summary>
    public string LastColumn { get; }

    /// <summary>The words of the column, none when the line has fewer columns.</summary>
    public IReadOnlyList<Word> Column(int index) => index < Columns.Count ? Columns[index] : new Word[0];

    /// <summary>Splits a text into lines, without comments and empty lines.</summary>
    public static List<Line> Split(string file, string text)
    {
        List<Line> lines = new();
        string[] raw = text.Split('\n');
        for (int i = 0; i < raw.Length; i++)
        {
            string line = WithoutComment(raw[i].TrimEnd('\r'));
            if (line.Trim().Length > 0)
            {
                lines.Add(Parse(file, i + 1, line));
            }
        }
        return lines;
    }

    /// <summary>A comment begins with <c>#</c> as a word of its own, so that <c>exc=#UD</c> is none.</summary>
    static string WithoutComment(string line)
    {
        for (int i = line.IndexOf('#'); i >= 0; i = line.IndexOf('#', i + 1))
        {
            if ((i == 0 || char.IsWhiteSpace(line[i - 1])) && (i + 1 == line.Length || char.IsWhiteSpace(line[i + 1])))
            {
                return line.Substring(0, i);
            }
        }
        return line;
    }

    static Line Parse(string file, int number, string line)
    {
        List<IReadOnlyList<Word>> columns = new();
        List<Word> column = new();
        int columnStart = 0;
        for (int i = 0; i < line.Length;)
        {
            if (line[i] == '|')
            {
                columns.Add(column);
                column = new();
                columnStart = ++i;
            }
            else if (char.IsWhiteSpace(line[i]))
            {
                i++;
            }
            else
            {
                int start = i;
                while (i < line.Length && line[i] != '|' && !char.IsWhiteSpace(line[i]))
                {
                    i++;
                }
                column.Add(new Word(line.Substring(start, i - start), new Place(file, number, start + 1, i - start)));
            }
        }
        columns.Add(column);
        int indent = line.Length - line.TrimStart().Length;
        Place place = new(file, number, indent + 1, line.Trim().Length);
        return new Line(place, indent > 0, columns, line.Substring(columnStart).Trim());
    }
}
