using System.Runtime.InteropServices;
using FastVcpu.Privileged;
using FastVcpu.Semantics;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>Bytes of the image of <see cref="GetXsave"/> (KVM_CAP_XSAVE2): with the upper halves of the YMM registers on a model with AVX.</summary>
    public int XsaveSize => (int)ExtendedImage.SizeOf(Components);

    ulong Components => Implemented.ExtendedControl0(Model);

    /// <summary>
    /// x87, MMX and vector registers as the image that XSAVE64 writes, in the standard format with all components that the model has
    /// (KVM_GET_XSAVE, KVM_GET_XSAVE2). XCR0 and CR4 do not matter, nor whether the guest has XSAVE.
    /// </summary>
    /// <param name="image">At least <see cref="XsaveSize"/> bytes; what is left becomes zero.</param>
    /// <exception cref="ArgumentException">The image is too short.</exception>
    public void GetXsave(Span<byte> image)
    {
        CheckLength(image.Length);
        ExtendedImage all = default;
        all.Save(State, Components, ExtendedImage.VectorCount, true);
        all.Legacy.SaveMxcsr(State);
        all.Present = Components;
        image.Clear();
        MemoryMarshal.AsBytes(new ReadOnlySpan<ExtendedImage>(in all))[..XsaveSize].CopyTo(image);
    }

    /// <summary>Loads x87, MMX and vector registers from such an image (KVM_SET_XSAVE). Components that its header does not have get their initial values.</summary>
    /// <param name="image">At least <see cref="XsaveSize"/> bytes, in the standard format.</param>
    /// <exception cref="ArgumentException">
    /// The image is too short; or it has components that the model does not have, a header that XRSTOR would refuse or the compact format, or reserved bits of MXCSR.
    /// Nothing has changed.
    /// </exception>
    public void SetXsave(ReadOnlySpan<byte> image)
    {
        CheckLength(image.Length);
        ExtendedImage all = default;
        image[..XsaveSize].CopyTo(MemoryMarshal.AsBytes(new Span<ExtendedImage>(ref all)));
        if (!all.IsValid(Components) || all.Layout != 0)
        {
            throw new ArgumentException($"The header of the image (XSTATE_BV {all.Present:x}h, XCOMP_BV {all.Layout:x}h) is not one that {Model.Name} can load.", nameof(image));
        }
        uint mxcsr = (all.Present & ExtendedImage.HasMxcsr) != 0 ? all.Legacy.Mxcsr : Mxcsr.Initial;
        if ((mxcsr & ~Mxcsr.Writable) != 0)
        {
            throw new ArgumentException($"MXCSR {mxcsr:x}h has reserved bits.", nameof(image));
        }
        all.Restore(State, Components, ExtendedImage.VectorCount, true);
        State->Mxcsr = mxcsr;
    }

    void CheckLength(int length)
    {
        if (length < XsaveSize)
        {
            throw new ArgumentException($"The image has {length} bytes, not {XsaveSize}.", "image");
        }
    }
}
