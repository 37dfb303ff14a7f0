using System.Text;

namespace FastVcpu.Gdb.Registers;

/// <summary>The target description (gdb manual, appendix G) that tells gdb which registers there are.</summary>
static class TargetDescription
{
    public static string Of(RegisterSet set)
    {
        StringBuilder text = new();
        text.Append("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n");
        text.Append($"<architecture>{(set.Is64 ? "i386:x86-64" : "i386")}</architecture>\n");
        if (set.IsLinux)
        {
            text.Append("<osabi>GNU/Linux</osabi>\n");
        }
        foreach (IGrouping<string, Register> feature in set.All.GroupBy(register => register.Feature))
        {
            text.Append($"<feature name=\"{feature.Key}\">\n");
            text.Append(Types(feature.Key));
            foreach (Register register in feature)
            {
                string group = register.Group == null ? "" : $" group=\"{register.Group}\"";
                text.Append($"<reg name=\"{register.Name}\" bitsize=\"{register.Size * 8}\" type=\"{register.Type}\"{group}/>\n");
            }
            text.Append("</feature>\n");
        }
        return text.Append("</target>\n").ToString();
    }

    static string Types(string feature) => feature switch
    {
        RegisterSet.Core => Flags("i386_eflags", 4, ("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9), ("DF", 10), ("OF", 11),
            ("NT", 14), ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19), ("VIP", 20), ("ID", 21)),
        RegisterSet.Sse => """
            <vector id="v4f" type="ieee_single" count="4"/>
            <vector id="v2d" type="ieee_double" count="2"/>
            <vector id="v16i8" type="int8" count="16"/>
            <vector id="v8i16" type="int16" count="8"/>
            <vector id="v4i32" type="int32" count="4"/>
            <vector id="v2i64" type="int64" count="2"/>
            <union id="vec128">
            <field name="v4_float" type="v4f"/>
            <field name="v2_double" type="v2d"/>
            <field name="v16_int8" type="v16i8"/>
            <field name="v8_int16" type="v8i16"/>
            <field name="v4_int32" type="v4i32"/>
            <field name="v2_int64" type="v2i64"/>
            <field name="uint128" type="uint128"/>
            </union>

            """ + Flags("i386_mxcsr", 4, ("IE", 0), ("DE", 1), ("ZE", 2), ("OE", 3), ("UE", 4), ("PE", 5), ("DAZ", 6), ("IM", 7), ("DM", 8), ("ZM", 9), ("OM", 10),
                ("UM", 11), ("PM", 12), ("FZ", 15)),
        _ => "",
    };

    static string Flags(string id, int size, params (string Name, int Bit)[] fields) =>
        $"<flags id=\"{id}\" size=\"{size}\">\n"
        + string.Concat(fields.Select(field => $"<field name=\"{field.Name}\" start=\"{field.Bit}\" end=\"{field.Bit}\"/>\n"))
        + "</flags>\n";
}
