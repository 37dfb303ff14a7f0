using System;

namespace FastVcpu.Generator;

/// <summary>A generated file.</summary>
sealed class Product : IEquatable<Product>
{
    public Product(string name, string text)
    {
        Name = name;
        Text = text;
    }

    public string Name { get; }
    public string Text { get; }

    public bool Equals(Product? other) => other != null && Name == other.Name && Text == other.Text;

    public override bool Equals(object? obj) => Equals(obj as Product);

    public override int GetHashCode() => Name.GetHashCode();

    public override string ToString() => Name;
}
