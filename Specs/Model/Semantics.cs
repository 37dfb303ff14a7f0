using System.Text.RegularExpressions;

namespace FastVcpu.Specs;

/// <summary>How much of a handler the semantics write themselves.</summary>
public enum SemanticsTier
{
    /// <summary>Values in, values out.</summary>
    Pure,
    /// <summary>Sees the CPU state and may fault.</summary>
    Cpu,
    /// <summary>As <see cref="Cpu"/>, with a fast flavour that may give up.</summary>
    Try,
    /// <summary>Is the handler.</summary>
    Raw,
}

/// <summary>The method that <c>sem=</c> names.</summary>
public sealed class Semantics
{
    static readonly Regex Pattern = new(
        @"^((?<tier>cpu|try|raw):)?(?<class>[A-Z]\w*)\.(?<method>[A-Z]\w*)(<(?<types>[^()]+)>)?(\((?<arguments>[^()]+)\))?$");

    Semantics(SemanticsTier tier, string @class, string method, string typeArguments, string arguments)
    {
        Tier = tier;
        Class = @class;
        Method = method;
        TypeArguments = typeArguments;
        Arguments = arguments;
    }

    public SemanticsTier Tier { get; }
    public string Class { get; }
    public string Method { get; }

    /// <summary>The text between angle brackets, or nothing.</summary>
    public string TypeArguments { get; }

    /// <summary>Constant arguments that come before the operands, or nothing.</summary>
    public string Arguments { get; }

    /// <summary>The type argument is the form's integer type.</summary>
    public bool IsGenericInWidth => TypeArguments == "T";

    public static Semantics? Parse(string text)
    {
        Match match = Pattern.Match(text);
        return match.Success
            ? new Semantics(
                match.Groups["tier"].Value switch
                {
                    "cpu" => SemanticsTier.Cpu,
                    "try" => SemanticsTier.Try,
                    "raw" => SemanticsTier.Raw,
                    _ => SemanticsTier.Pure,
                },
                match.Groups["class"].Value,
                match.Groups["method"].Value,
                match.Groups["types"].Value,
                match.Groups["arguments"].Value)
            : null;
    }
}
