using System.CommandLine;

namespace FastVcpu.Cli.Commands;

/// <summary>Options that several subcommands share.</summary>
static class Options
{
    /// <summary>`--bits 16|32|64`.</summary>
    public static Option<int> Bits()
    {
        Option<int> bits = new("--bits")
        {
            Description = "Width of the code: 16 (real mode), 32 or 64.",
            HelpName = "16|32|64",
            DefaultValueFactory = _ => 64,
            CustomParser = result =>
            {
                if (result.Tokens is [{ Value: "16" or "32" or "64" } token])
                {
                    return int.Parse(token.Value);
                }

                result.AddError($"'{result.Tokens[^1].Value}' is not a width of code; write 16, 32 or 64.");
                return 0;
            },
        };
        return bits;
    }

    /// <summary>`--gdb PORT|SOCKET`.</summary>
    public static Option<string?> Gdb() => new("--gdb")
    {
        Description = "Wait for gdb before the first instruction: at this port of the loopback interface, at a Unix socket (a path with a slash), or, with -, "
            + "on standard input and output.",
        HelpName = "PORT|SOCKET|-",
    };

    /// <summary>`--cpu MODEL`.</summary>
    public static Option<CpuModel?> Cpu(string defaultText)
    {
        return new Option<CpuModel?>("--cpu")
        {
            Description = $"CPU model: {string.Join(' ', CpuModel.All.Select(model => model.Name))}. Default: {defaultText}.",
            HelpName = "MODEL",
            CustomParser = result =>
            {
                string name = result.Tokens[^1].Value;
                CpuModel? model = CpuModel.Find(name);
                if (model is null)
                {
                    result.AddError($"'{name}' is not a CPU model; there are {string.Join(' ', CpuModel.All.Select(model => model.Name))}.");
                }

                return model;
            },
        };
    }
}
