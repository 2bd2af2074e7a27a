using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>One item of the input, read and checked for itself.</summary>
/// <param name="Line">Where it begins in the input file, from 1; for a folder, which picture it is.</param>
/// <param name="Id">Unique in the input.</param>
/// <param name="Json">The item as it was written, pictures as paths.</param>
/// <param name="Request">The same, read. Its pictures have their hashes, not their bytes.</param>
/// <param name="Pictures">Where the pictures of a question come from, in order; empty for other items.</param>
internal sealed record BatchItem(int Line, string Id, string Json, ItemRequest Request, IReadOnlyList<PictureSource> Pictures)
{
    /// <summary>The item as it is sent, asking for <paramref name="sampleCount"/> of its samples from <paramref name="firstSample"/> on.</summary>
    public string ToWire(uint firstSample, int sampleCount)
    {
        var fields = JsonNode.Parse(Json)!.AsObject();
        if (Request.IsImage == true)
        {
            var target = fields["body"] as JsonObject ?? fields;
            target["sample"] = firstSample;
            target["n"] = sampleCount;
        }

        if (Pictures.Count > 0)
        {
            fields["image"] = new JsonArray([.. Pictures.Select(picture => (JsonNode)picture.ToDataUrl())]);
        }

        return fields.ToJsonString();
    }
}
