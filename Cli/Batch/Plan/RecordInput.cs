using System.Globalization;
using System.Text.Json.Nodes;

namespace Emu3.Cli.Batch.Plan;

/// <summary>
/// Lines of a <c>metadata.jsonl</c> that a batch (or a job's archive) has written, taken as input: each asks for the same output again. Prompt, seed, size and all that the draw depends
/// on are as recorded; quality and recipe of the files are as the command line says.
/// </summary>
internal static class RecordInput
{
    private static readonly string[] s_ofAll = ["id", "seed", "temperature", "top_k", "top_p"];
    private static readonly string[] s_ofPictures = ["prompt", "negative_prompt", "guidance_scale"];
    private static readonly string[] s_ofAnswers = ["question", "stop"];

    /// <summary>Whether a line tells of an output that was made, and does not ask for one.</summary>
    public static bool IsRecord(JsonObject line) => line.ContainsKey("tokens_sha256") && line.ContainsKey("sample") && !line.ContainsKey("custom_id");

    /// <summary>The item that asks for it again, or why there is none.</summary>
    public static (JsonObject? Item, string? Error) ToItem(JsonObject record, out uint sample)
    {
        sample = record["sample"] is JsonValue number && number.TryGetValue<uint>(out var recorded) ? recorded : 0;
        var isPicture = record["prompt"] is not null;
        var item = new JsonObject();
        foreach (var name in (string[])[.. s_ofAll, .. isPicture ? s_ofPictures : s_ofAnswers])
        {
            if (record[name] is { } value)
            {
                item[name] = value.DeepClone();
            }
        }

        return isPicture ? Picture(record, item, sample) : Answer(record, item);
    }

    private static (JsonObject?, string?) Picture(JsonObject record, JsonObject item, uint sample)
    {
        if (Whole(record["width"]) is not { } width || Whole(record["height"]) is not { } height)
        {
            return (null, "is a line of metadata.jsonl without the width and height of its picture");
        }

        item["sample"] = sample;

        // The recorded prompt has its suffix in it. A ratio with its own area gives this very size; a size in pixels may be brought to the area of the model.
        item["prompt_suffix"] = "";
        item["ratio"] = string.Create(CultureInfo.InvariantCulture, $"{width}:{height}");
        item["area"] = width * height;
        if (record["format"] is { } format)
        {
            item["output_format"] = format.DeepClone();
        }

        return (item, null);
    }

    private static (JsonObject?, string?) Answer(JsonObject record, JsonObject item)
    {
        if ((record["pictures"] ?? record["file_name"]) is not { } pictures)
        {
            return (null, "is an answer in a metadata.jsonl that does not name the picture which was asked about, so it can't be asked again");
        }

        item["image"] = pictures.DeepClone();
        return (item, null);
    }

    private static long? Whole(JsonNode? node) => node is JsonValue value && value.TryGetValue<long>(out var whole) && whole is > 0 and < 1 << 20 ? whole : null;
}
