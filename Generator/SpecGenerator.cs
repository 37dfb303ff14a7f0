using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using FastVcpu.Generator.Emit;
using FastVcpu.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace FastVcpu.Generator;

/// <summary>
/// Specs/**/*.isa in, C# out. Only the .isa files enter the pipeline, no syntax and no symbols, so that an edit of C# code generates nothing;
/// every product is compared as text, so that an edit of a row regenerates only what it changes.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class SpecGenerator : IIncrementalGenerator
{
    /// <summary>Names of the pipeline's steps.</summary>
    public const string FilesStep = "IsaFiles", OutputStep = "IsaOutput", ProductsStep = "IsaProducts";

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<SpecFile> files = context.AdditionalTextsProvider
            .Where(file => file.Path.EndsWith(".isa", StringComparison.Ordinal))
            .Select((file, cancellation) => new SpecFile(file.Path.Replace('\\', '/'), file.GetText(cancellation)?.ToString() ?? ""))
            .WithTrackingName(FilesStep);
        IncrementalValueProvider<Output> output = files.Collect().Select((all, _) => Generate(all)).WithTrackingName(OutputStep);

        context.RegisterSourceOutput(output.SelectMany((o, _) => o.Errors), (production, error) => production.ReportDiagnostic(SpecDiagnostics.Create(error)));
        context.RegisterSourceOutput(output.SelectMany((o, _) => o.Declarations), Add);
        context.RegisterImplementationSourceOutput(output.SelectMany((o, _) => o.Implementations).WithTrackingName(ProductsStep), Add);
    }

    static void Add(SourceProductionContext production, Product product) =>
        production.AddSource(product.Name + ".g.cs", SourceText.From(product.Text, System.Text.Encoding.UTF8));

    /// <summary>Everything that the files give. With errors there is nothing but these.</summary>
    static Output Generate(ImmutableArray<SpecFile> files)
    {
        if (files.IsEmpty)
        {
            return new Output(Array.Empty<SpecError>(), Array.Empty<Product>(), Array.Empty<Product>());
        }
        Specification specification = Specification.Load(files);
        if (specification.Errors.Count > 0)
        {
            return new Output(specification.Errors, Array.Empty<Product>(), Array.Empty<Product>());
        }
        HandlerNames names = new(specification.Forms);
        List<Product> implementations = new() { DecodeTableEmitter.Emit(specification) };
        implementations.AddRange(HandlerEmitter.Emit(specification, names));
        implementations.AddRange(HandlerTableEmitter.Emit(specification, names));
        implementations.Add(FusionEmitter.Emit(specification, names));
        return new Output(specification.Errors, FeatureEmitter.Emit(specification).ToList(), implementations);
    }

    sealed class Output
    {
        public Output(IReadOnlyList<SpecError> errors, IReadOnlyList<Product> declarations, IReadOnlyList<Product> implementations)
        {
            Errors = errors.ToImmutableArray();
            Declarations = declarations.ToImmutableArray();
            Implementations = implementations.ToImmutableArray();
        }

        public ImmutableArray<SpecError> Errors { get; }

        /// <summary>Public types, which an editor has to see.</summary>
        public ImmutableArray<Product> Declarations { get; }

        /// <summary>What only a build needs.</summary>
        public ImmutableArray<Product> Implementations { get; }
    }
}
