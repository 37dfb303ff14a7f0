using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.SystemManagement;

/// <summary>The area of CPUs with long mode (APM Vol. 2 table 10-1).</summary>
static unsafe class SaveArea64
{
    const uint Revision = 0x20064;

    public static void Transfer(CpuState* s, ref SaveArea area)
    {
        for (int i = 0; i < 6; i++)
        {
            Segment(area, 0xFE00 + 16 * i, Segmentation.Register(s, i));
        }
        area.Field(0xFE64, ref s->GdtLimit);
        area.Field(0xFE68, ref s->GdtBase);
        Segment(area, 0xFE70, &s->Ldtr);
        area.Field(0xFE84, ref s->IdtLimit);
        area.Field(0xFE88, ref s->IdtBase);
        Segment(area, 0xFE90, &s->Tr);
        byte shadow = (byte)s->Shadow;
        area.Field(0xFECB, ref shadow);
        s->Shadow = (InterruptShadow)shadow;
        area.Field(0xFED0, ref area.Efer);
        area.Put(0xFEFC, Revision);
        uint smBase = (uint)area.SmBase;
        area.Field(0xFF00, ref smBase);
        area.SmBase = smBase;
        area.Field(0xFF48, ref area.Cr4);
        area.Field(0xFF50, ref area.Cr3);
        area.Field(0xFF58, ref area.Cr0);
        area.Field(0xFF60, ref s->Dr7);
        area.Field(0xFF68, ref s->Dr6);
        area.Field(0xFF70, ref area.Flags);
        area.Field(0xFF78, ref s->Rip);
        for (int i = 0; i < 16; i++)
        {
            area.Field(0xFFF8 - 8 * i, ref (&s->Rax)[i]);
        }
    }

    static void Segment(in SaveArea area, int at, SegmentCache* segment)
    {
        // Attributes are packed into 12 bits.
        ushort selector = segment->Selector, packed = (ushort)(segment->Attributes & 0xFF | segment->Attributes >> 4 & 0xF00);
        area.Field(at, ref selector);
        area.Field(at + 2, ref packed);
        area.Field(at + 4, ref segment->Limit);
        area.Field(at + 8, ref segment->Base);
        Segmentation.Set(segment, selector, segment->Base, segment->Limit, packed & 0xFF | (packed & 0xF00) << 4);
    }
}
