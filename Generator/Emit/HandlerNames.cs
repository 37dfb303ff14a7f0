using System.Collections.Generic;
using FastVcpu.Specs;

namespace FastVcpu.Generator.Emit;

/// <summary>The C# names of handlers: the mnemonic and the number of the form among those of the mnemonic.</summary>
sealed class HandlerNames
{
    readonly Dictionary<Form, string> _names = new();

    public HandlerNames(IEnumerable<Form> forms)
    {
        Dictionary<string, int> counts = new();
        foreach (Form form in forms)
        {
            counts.TryGetValue(form.Mnemonic, out int count);
            counts[form.Mnemonic] = ++count;
            _names.Add(form, $"{form.Mnemonic[0]}{form.Mnemonic.Substring(1).ToLowerInvariant()}_{count}");
        }
    }

    /// <summary>The name of a form's handler for memory or for registers.</summary>
    public string Of(Form form, bool isMemory) => _names[form] + (isMemory ? "_Mem" : "_Reg");
}
