using FastVcpu.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace FastVcpu.Generator;

/// <summary>Errors of the specification as compiler diagnostics at the .isa file.</summary>
static class SpecDiagnostics
{
    static readonly DiagnosticDescriptor Error = new(
        "ISA0001", "Error in the instruction-set specification", "{0}", "FastVcpu.Specs", DiagnosticSeverity.Error, isEnabledByDefault: true);

    public static Diagnostic Create(SpecError error)
    {
        Place place = error.Place;
        LinePosition start = new(place.Line - 1, place.Column - 1), end = new(place.Line - 1, place.Column - 1 + place.Length);
        // The span only has to be consistent with the lines; no text is at hand here.
        Location location = Location.Create(place.File, new TextSpan(0, 0), new LinePositionSpan(start, end));
        return Diagnostic.Create(Error, location, error.Message);
    }
}
