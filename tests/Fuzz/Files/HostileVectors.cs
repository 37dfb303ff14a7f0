using System.IO.Compression;
using System.Text;
using FastVcpu.Cli;
using FastVcpu.Cli.Conform;

namespace FastVcpu.Fuzz.Files;

/// <summary>Damaged vector files of all modes, packed and not, which are run as <c>fastvcpu conform</c> does.</summary>
sealed class HostileVectors : HostileFile
{
    static readonly (VectorMode Mode, string Line)[] lines =
    [
        (VectorMode.X64, """{"n":"add bl,r9b","c":"Add_rm8_r8","isa":"INTEL8086","b":"4400cb","in":{"rip":"10000477","rflags":"202","rbx":"7f","r9":"1"},"mem":[],"out":{"rip":"1000047a","rflags":"a92","rbx":"80"},"memout":[],"ex":null,"fmask":0}"""),
        (VectorMode.X64, """{"n":"mov [rdi],al","c":"Mov_rm8_r8","b":"8807","in":{"rip":"10000000","rflags":"202","rax":"7f","rdi":"20000010"},"mem":[["20000010","55"]],"out":{"rip":"10000002"},"memout":[["20000010","7f"]],"ex":null,"fmask":0}"""),
        (VectorMode.X64, """{"n":"mov [rdi],al","c":"Mov_rm8_r8","b":"8807","in":{"rip":"10000000","rflags":"202","rdi":"10000010"},"mem":[],"out":{"rip":"10000000"},"memout":[],"ex":{"v":14,"err":7,"addr":"10000010","sig":11,"code":2},"fmask":0,"undef":{"rbx":"f"},"mundef":[["20000010",1]],"tol":{"rel":0.001,"t":"f32"}}"""),
        (VectorMode.X86, """{"n":"movupd xmm6,cs:[ebx+ecx]","c":"Movupd_xmm_xmmm128","isa":"SSE2","b":"2e660f10340b","in":{"rip":"10001d67","rflags":"296","rcx":"8","rbx":"2000777f","mxcsr":"7f80","xmm6":"000000000000f0ff850f5ea3f17af17f"},"mem":[["20007787","17cc388e3566fb7f73467230ff5988bf"]],"out":{"rip":"10001d6d","xmm6":"17cc388e3566fb7f73467230ff5988bf"},"memout":[],"ex":null,"fmask":0}"""),
        (VectorMode.X16, """{"n":"add [bx+0Eh],bl","b":"005f0e","in":{"ax":"2cb","bx":"6823","cx":"c18c","dx":"fab5","cs":"ffff","ss":"a0d7","ds":"ffff","es":"abdc","sp":"9b59","bp":"ffff","si":"89be","di":"8749","ip":"94b8","flags":"893"},"mem":[["106821","de"],["1094a8","005f0ef4a1d6f82e6ba6"]],"out":{"ip":"94bb","flags":"13"},"memout":[["106821","01"]],"fmask":0,"ex":null}"""),
    ];

    readonly string path = Path.GetTempFileName();
    readonly Dictionary<VectorMode, VectorRunner> runners = [];

    public override string Take(Random random)
    {
        (VectorMode mode, string line) = lines[random.Next(lines.Length)];
        byte[] file = [.. Encoding.ASCII.GetBytes(line + "\n"), .. Mutation.OfText(line, random), (byte)'\n', .. Encoding.ASCII.GetBytes(line)];
        string name = path + ".jsonl";
        if (random.Next(8) == 0)
        {
            name += ".gz";
            using MemoryStream packed = new();
            using (GZipStream packer = new(packed, CompressionLevel.Fastest, leaveOpen: true))
            {
                packer.Write(file);
            }
            file = random.Next(4) == 0 ? packed.ToArray() : Mutation.OfBytes(packed.ToArray(), (int)packed.Length, random);
        }
        File.WriteAllBytes(name, file);
        // Machines are kept from file to file, as the command keeps them until it refuses a file: damage must not stay in them.
        if (!runners.TryGetValue(mode, out VectorRunner? runner))
        {
            runners.Add(mode, runner = new VectorRunner(new VectorSelection(null, mode, null, 5)));
        }
        try
        {
            FileResult result = runner.Run(name);
            return result.Failed > 1 ? throw new InvalidDataException($"A vector that was not damaged has failed: {string.Join("; ", result.Failures.Select(failure => $"line {failure.Line} {failure.Input}: {string.Join(", ", failure.Differences)}"))}. The file: {Encoding.Latin1.GetString(file)}") : result.Failed == 0 ? "passed" : "failed";
        }
        catch (InputException error)
        {
            runners.Remove(mode);
            runner.Dispose();
            return Refused(error);
        }
        finally
        {
            File.Delete(name);
        }
    }

    public override void Dispose()
    {
        File.Delete(path);
        foreach (VectorRunner runner in runners.Values)
        {
            runner.Dispose();
        }
    }
}
