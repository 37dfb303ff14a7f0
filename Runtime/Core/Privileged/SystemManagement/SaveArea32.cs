using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.SystemManagement;

/// <summary>The area of CPUs without long mode (SDM Vol. 3 table 32-1, and what it leaves undocumented as KVM has it).</summary>
static unsafe class SaveArea32
{
    const uint Revision = 0x20000;

    public static void Transfer(CpuState* s, ref SaveArea area)
    {
        area.Half(0xFEF8, ref area.SmBase);
        area.Put(0xFEFC, Revision);
        area.Half(0xFF14, ref area.Cr4);
        byte shadow = (byte)s->Shadow;
        area.Field(0xFF1A, ref shadow);
        s->Shadow = (InterruptShadow)shadow;
        Segment(area, 0xFF2C, 0xFFB4, &s->Ds);
        Segment(area, 0xFF38, 0xFFB8, &s->Fs);
        Segment(area, 0xFF44, 0xFFBC, &s->Gs);
        area.Field(0xFF54, ref s->IdtLimit);
        area.Half(0xFF58, ref s->IdtBase);
        Segment(area, 0xFF5C, 0xFFC4, &s->Tr);
        area.Field(0xFF70, ref s->GdtLimit);
        area.Half(0xFF74, ref s->GdtBase);
        Segment(area, 0xFF78, 0xFFC0, &s->Ldtr);
        Segment(area, 0xFF84, 0xFFA8, &s->Es);
        Segment(area, 0xFF90, 0xFFAC, &s->Cs);
        Segment(area, 0xFF9C, 0xFFB0, &s->Ss);
        area.Half(0xFFC8, ref s->Dr7);
        area.Half(0xFFCC, ref s->Dr6);
        for (int i = 0; i < 8; i++)
        {
            area.Half(0xFFD0 + 4 * i, ref (&s->Rax)[i]);
        }
        area.Half(0xFFF0, ref s->Rip);
        area.Half(0xFFF4, ref area.Flags);
        area.Half(0xFFF8, ref area.Cr3);
        area.Half(0xFFFC, ref area.Cr0);
    }

    static void Segment(in SaveArea area, int at, int selectorAt, SegmentCache* segment)
    {
        // Attributes lie as in the upper doubleword of a descriptor.
        uint selector = segment->Selector, flags = (uint)segment->Attributes << 8;
        area.Field(at, ref flags);
        area.Field(at + 4, ref segment->Limit);
        area.Half(at + 8, ref segment->Base);
        area.Field(selectorAt, ref selector);
        Segmentation.Set(segment, (ushort)selector, segment->Base, segment->Limit, (int)(flags >> 8) & 0xF0FF);
    }
}
