using System.Security.Cryptography;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch.Plan;

/// <summary>Every output that the input asks for, with all defaults filled in as the gateway will fill them in.</summary>
internal sealed record BatchPlan(IReadOnlyList<PlannedOutput> Outputs, IReadOnlyList<LineError> Errors)
{
    /// <summary>Outputs of the whole input: more than <see cref="Outputs"/> where this process makes only some of them.</summary>
    public int OutputCountOfAll { get; init; } = Outputs.Count;

    /// <summary>Resolves all items against the model.</summary>
    /// <param name="items">The input.</param>
    /// <param name="defaults">What the command line says for fields that lines leave out.</param>
    /// <param name="jobSeed">Items without a seed derive theirs from it.</param>
    /// <param name="model">What runs them.</param>
    public static BatchPlan Of(IReadOnlyList<BatchItem> items, ItemRequest defaults, ulong jobSeed, ModelInfo model)
    {
        var context = new ResolveContext { Model = model, JobSeed = jobSeed, Defaults = defaults, KeyOf = picture => Convert.ToHexStringLower(picture.Hash) };
        var outputs = new List<PlannedOutput>();
        var errors = new List<LineError>();
        for (var i = 0; i < items.Count; i++)
        {
            var resolution = ItemResolver.Resolve(items[i].Request with { Id = items[i].Id }, items[i].Line, context);
            errors.AddRange(resolution.Errors.Select(error => new LineError(items[i].Line, error.Param, error.Message)));
            foreach (var spec in resolution.Specs)
            {
                outputs.Add(new(new(spec.Id, spec.SampleIndex), outputs.Count, i, spec.Seed, HashOf(spec, model.WeightsHash), ExtensionOf(spec.Image?.Format)));
            }
        }

        return new(outputs, errors);
    }

    private static string HashOf(ItemSpec spec, string weightsHash)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(new { spec, weightsHash });
        return Convert.ToHexStringLower(SHA256.HashData(text).AsSpan(0, 16));
    }

    private static string? ExtensionOf(PictureFormat? format) => format switch
    {
        null => null,
        PictureFormat.Jpeg => ".jpg",
        PictureFormat.Webp => ".webp",
        _ => ".png",
    };
}
