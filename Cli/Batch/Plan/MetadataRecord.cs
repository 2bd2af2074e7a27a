using System.Text.Json;
using System.Text.Json.Nodes;

namespace Emu3.Cli.Batch.Plan;

/// <summary>One line of <c>metadata.jsonl</c>: an output that is in the folder, with its whole recipe.</summary>
/// <param name="Key">The output.</param>
/// <param name="SpecHash">What it was made from (<see cref="PlannedOutput.SpecHash"/>).</param>
/// <param name="FileName">The picture, made here or asked about, relative to the output folder; null where there is none.</param>
/// <param name="IsPicture">The output is a picture of this folder, not an answer.</param>
/// <param name="Json">The line.</param>
internal sealed record MetadataRecord(OutputKey Key, string SpecHash, string? FileName, bool IsPicture, string Json)
{
    /// <summary>Reads a line that <see cref="From"/> made.</summary>
    /// <exception cref="CommandException">Another program wrote the line.</exception>
    public static MetadataRecord Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var fields = document.RootElement;
        return Text("id") is { } name && Text("spec") is { } hash && fields.TryGetProperty("sample", out var sample)
            && sample.ValueKind == JsonValueKind.Number && sample.TryGetUInt32(out var number)
            ? new(new(name, number), hash, Text("file_name"), fields.TryGetProperty("prompt", out _), line)
            : throw CommandException.BadInput("metadata.jsonl in the output folder was not written by emu3 batch: choose another --out or move it away.");

        string? Text(string field) => fields.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    /// <summary>The same answer, about pictures that have other names now: folders were moved, or an earlier version counted their paths from elsewhere.</summary>
    public MetadataRecord WithPictures(IReadOnlyList<string> names)
    {
        if (IsPicture || names.Count == 0 || names[0] == FileName)
        {
            return this;
        }

        var fields = JsonNode.Parse(Json)!.AsObject();
        fields.Remove("file_name");
        fields.Remove("pictures");
        Name(fields, names);
        return this with { FileName = names[0], Json = fields.ToJsonString(CliJson.Readable) };
    }

    /// <summary>The record of an output that was made.</summary>
    /// <param name="outcome">What the gateway says about it.</param>
    /// <param name="specHash">What it was made from.</param>
    /// <param name="fileNames">The picture that was made, or those that were asked about; the first is <see cref="FileName"/>.</param>
    public static MetadataRecord From(Outcome outcome, string specHash, IReadOnlyList<string> fileNames)
    {
        var key = new OutputKey(outcome.Id, outcome.Sample);
        var fields = new JsonObject();
        // Trainers and data set viewers look for the caption in "text".
        fields["text"] = outcome.IsPicture ? outcome.Prompt : outcome.Text?.Trim();
        fields[outcome.IsPicture ? "prompt" : "question"] = outcome.IsPicture ? outcome.Prompt : outcome.Question;
        fields["id"] = outcome.Id;
        fields["sample"] = outcome.Sample;
        fields["seed"] = outcome.Seed;
        if (outcome.IsPicture)
        {
            fields["negative_prompt"] = outcome.NegativePrompt;
            fields["guidance_scale"] = outcome.GuidanceScale;
        }

        fields["temperature"] = outcome.Temperature;
        fields["top_k"] = outcome.TopK;
        fields["top_p"] = outcome.TopP;
        if (outcome.IsPicture)
        {
            fields["width"] = outcome.Width;
            fields["height"] = outcome.Height;
            fields["format"] = outcome.Format;
            fields["file_sha256"] = outcome.FileSha256;
        }
        else
        {
            if (outcome.Stop is { } stop)
            {
                fields["stop"] = new JsonArray([.. stop.Select(text => (JsonNode)text)]);
            }

            fields["finish_reason"] = outcome.FinishReason;
        }

        fields["tokens_sha256"] = outcome.TokensSha256;
        fields["generated_tokens"] = outcome.Usage?.CompletionTokens;
        fields["numeric_class"] = outcome.NumericClass;
        fields["reproducible"] = outcome.Reproducible;
        fields["spec"] = specHash;
        Name(fields, fileNames);
        return new(key, specHash, fileNames.Count > 0 ? fileNames[0] : null, outcome.IsPicture, fields.ToJsonString(CliJson.Readable));
    }

    /// <summary>One picture is what loaders show; a question about several names all of them once more.</summary>
    private static void Name(JsonObject fields, IReadOnlyList<string> names)
    {
        if (names.Count > 1)
        {
            fields.Insert(0, "pictures", new JsonArray([.. names.Select(name => (JsonNode)name)]));
        }

        if (names.Count > 0)
        {
            fields.Insert(0, "file_name", names[0]);
        }
    }
}
