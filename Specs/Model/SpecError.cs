using System;
using System.Collections.Generic;

namespace FastVcpu.Specs;

/// <summary>Something that is wrong in the specification, and where.</summary>
public sealed class SpecError : IEquatable<SpecError>
{
    public SpecError(Place place, string message)
    {
        Place = place;
        Message = message;
    }

    public Place Place { get; }
    public string Message { get; }

    public bool Equals(SpecError? other) => other != null && Place.Equals(other.Place) && Message == other.Message;

    public override bool Equals(object? obj) => Equals(obj as SpecError);

    public override int GetHashCode() => Place.GetHashCode();

    public override string ToString() => $"{Place}: {Message}";
}

/// <summary>Collects errors, so that all of them are reported at once.</summary>
public sealed class SpecErrors
{
    readonly List<SpecError> _list = new();

    public IReadOnlyList<SpecError> List => _list;

    public void Add(Place place, string message) => _list.Add(new SpecError(place, message));

    public void Add(Word word, string message) => Add(word.Place, message);
}
