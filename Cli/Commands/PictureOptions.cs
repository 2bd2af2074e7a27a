using System.CommandLine;
using System.Text.Json.Nodes;

namespace Emu3.Cli.Commands;

/// <summary>What a picture is to be like; the wire's field names with dashes.</summary>
internal sealed class PictureOptions
{
    private readonly Option<string?> _negativePrompt = new("--negative-prompt") { Description = "What the picture is guided away from; \"\" is an empty text. Default: the checkpoint's." };
    private readonly Option<string?> _promptSuffix = new("--prompt-suffix") { Description = "Appended to each prompt; \"\" appends nothing. Default: the checkpoint's." };
    private readonly Option<int?> _n = new("--n") { Description = "Pictures of each prompt." };
    private readonly Option<string?> _ratio = new("--ratio") { Description = "Width to height, as 4:3. Default: 1:1." };
    private readonly Option<string?> _size = new("--size") { Description = "Width x height in pixels, as 720x720." };
    private readonly Option<double?> _guidanceScale = new("--guidance-scale") { Description = "Classifier-free guidance; 1 is off. Default: the checkpoint's." };
    private readonly Option<string?> _format = new Option<string?>("--format") { Description = "png, jpeg or webp. Default: png." };
    private readonly Option<int?> _quality = new("--quality") { Description = "0 to 100, for JPEG and WebP." };
    private readonly Option<bool> _noMetadata = new("--no-metadata") { Description = "Leaves the recipe out of the picture files." };
    private readonly SamplingOptions _sampling = new();

    public PictureOptions() => _format.AcceptOnlyFromAmong("png", "jpeg", "webp");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_negativePrompt, _promptSuffix, _n, _ratio, _size, _guidanceScale])
        {
            command.Options.Add(option);
        }

        _sampling.AddTo(command);
        foreach (var option in (Option[])[_format, _quality, _noMetadata])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Fields that were said.</summary>
    public JsonObject Read(ParseResult result)
    {
        var fields = new JsonObject();
        Said.Add(fields, "negative_prompt", result.GetValue(_negativePrompt));
        Said.Add(fields, "prompt_suffix", result.GetValue(_promptSuffix));
        Said.Add(fields, "n", result.GetValue(_n));
        Said.Add(fields, "ratio", result.GetValue(_ratio));
        Said.Add(fields, "size", result.GetValue(_size));
        Said.Add(fields, "guidance_scale", result.GetValue(_guidanceScale));
        _sampling.Write(result, fields);
        Said.Add(fields, "output_format", result.GetValue(_format));
        Said.Add(fields, "output_compression", result.GetValue(_quality));
        if (result.GetValue(_noMetadata))
        {
            fields["embed_recipe"] = false;
        }

        return fields;
    }
}
