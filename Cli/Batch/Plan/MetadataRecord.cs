using System.Text.Json;
using System.Text.Json.Nodes;

namespace Emu3.Cli.Batch.Plan;

/// <summary>One line of <c>metadata.jsonl</c>: an output that is in the folder, with its whole recipe.</summary>
/// <param name="Key">The output.</param>
/// <param name="SpecHash">What it was made from (<see cref="PlannedOutput.SpecHash"/>).</param>
/// <param name="FileName">The picture: made here (relative to the output folder), or asked about (relative to the input's folder); null where there is none.</param>
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
        return fields.TryGetProperty("id", out var id) && id.GetString() is { } name
            && fields.TryGetProperty("sample", out var sample) && sample.TryGetUInt32(out var number)
            && fields.TryGetProperty("spec", out var spec) && spec.GetString() is { } hash
            ? new(new(name, number), hash, fields.TryGetProperty("file_name", out var file) ? file.GetString() : null, fields.TryGetProperty("prompt", out _), line)
            : throw CommandException.BadInput("metadata.jsonl in the output folder was not written by emu3 batch: choose another --out or move it away.");
    }

    /// <summary>The record of an output that was made.</summary>
    /// <param name="outcome">What the gateway says about it.</param>
    /// <param name="specHash">What it was made from.</param>
    /// <param name="fileName">See <see cref="FileName"/>.</param>
    public static MetadataRecord From(Outcome outcome, string specHash, string? fileName)
    {
        var key = new OutputKey(outcome.Id, outcome.Sample);
        var fields = new JsonObject();
        if (fileName is not null)
        {
            fields["file_name"] = fileName;
        }

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
        return new(key, specHash, fileName, outcome.IsPicture, fields.ToJsonString(CliJson.Readable));
    }
}
