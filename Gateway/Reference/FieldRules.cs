using Emu3.Grains.Interfaces.Requests;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>
/// What values of fields must look like beyond what their readers tell a probe, by their paths, else by the name at the end: forms of texts, numbers of elements.
/// The fuzz run from the document finds a rule that is not so, in either direction.
/// </summary>
internal static class FieldRules
{
    private const string NoControl = @"^[^\u0000-\u001f\u007f-\u009f]*$";
    private const string NotBlank = @"\S";
    private const string Picture = @"^([dD][aA][tT][aA]:[^,]*;[bB][aA][sS][eE]64,[\s\S]+|file-[0-9a-f]{32})$";
    private static readonly string s_side = NumberPattern.UpTo(AspectRatio.Largest);

    private static readonly Dictionary<string, Action<OpenApiSchema>> s_rules = new(StringComparer.Ordinal)
    {
        ["prompt"] = field => (field.Pattern, field.Examples) = (NotBlank, ["a big red star on a blue background"]),
        ["id"] = Named,
        ["custom_id"] = Named,
        ["method"] = field => (field.MaxLength, field.Enum) = (null, ["POST"]),
        ["ratio"] = field => (field.MaxLength, field.Pattern, field.Examples) = (null, $"^(auto|{s_side}:{s_side})$", ["4:3", "1:1"]),
        ["size"] = field => (field.MaxLength, field.Pattern, field.Examples) = (null, $"^(auto|{s_side}x{s_side})$", ["1024x768", "auto"]),
        ["seed"] = field => (field.Pattern, field.Examples) =
            ($"^(0|{NumberPattern.UpTo(ulong.MaxValue)}|-{NumberPattern.UpTo((ulong)long.MaxValue + 1)})$", [7, $"{ulong.MaxValue}", -1]),
        ["stop"] = field => field.AnyOf =
            [Text(1, RequestLimits.StopLength), new OpenApiSchema { Type = JsonSchemaType.Array, MaxItems = RequestLimits.StopCount, Items = Text(1, RequestLimits.StopLength) }],
        ["image"] = field => field.AnyOf =
            [PictureText(), new OpenApiSchema { Type = JsonSchemaType.Array, MinItems = 1, MaxItems = RequestLimits.Pictures, Items = PictureText() }],
        ["messages"] = field => (field.MinItems, field.MaxItems) = (1, RequestLimits.Messages),
        ["input"] = field => (field.MinItems, field.MaxItems) = (1, RequestLimits.Messages),
        ["messages.content.image_url.url"] = field => (field.Type, field.Pattern) = (JsonSchemaType.String, Picture),
        ["messages.content.image_url"] = PictureTexts,
        ["input.content.image_url"] = field => (field.Type, field.Pattern) = (JsonSchemaType.String, Picture),
        ["input.content.file_id"] = field => (field.Type, field.Pattern) = (JsonSchemaType.String, "^file-[0-9a-f]{32}$"),
        ["metadata"] = field => (field.MaxProperties, field.PropertyNames) = (JobRequest.MaxPairs, Text(0, JobRequest.LongestPairName)),
        ["webhook.url"] = field => field.Format = "uri",
        ["input_file_id"] = field => (field.MaxLength, field.Pattern, field.Examples) = (null, "^file-[0-9a-f]{32}$", ["file-0123456789abcdef0123456789abcdef"]),
        ["completion_window"] = field => (field.MaxLength, field.Pattern, field.Examples) = (null, $"^({NumberPattern.UpTo(60 * 24)}h|{NumberPattern.UpTo(60)}d)$", ["24h", "7d"]),
        ["name"] = field => (field.AllOf, field.Examples) = ([new OpenApiSchema { Pattern = NoControl }, new OpenApiSchema { Pattern = NotBlank }], ["the press office"]),
        ["tenant"] = field => (field.Pattern, field.Examples) = ("^(?!ckpt$)[a-z0-9][a-z0-9_-]*$", ["press"]),
        ["expires_at"] = field => (field.Type, field.Format) = (JsonSchemaType.Integer, "int64"),
        ["expires_in"] = field => (field.MaxLength, field.Pattern, field.Examples) =
            (null, $"^({NumberPattern.UpTo(3650 * 1440)}m|{NumberPattern.UpTo(3650 * 24)}h|{NumberPattern.UpTo(3650)}d)$", ["90m", "30d"]),
    };

    /// <summary>Adds what holds for the field at a path.</summary>
    public static void Apply(OpenApiSchema field, string path)
    {
        if (s_rules.GetValueOrDefault(path) is { } ofPath) ofPath(field);
        else if (path.Split('.') is [.., var name] && !path.EndsWith(".*", StringComparison.Ordinal) && s_rules.GetValueOrDefault(name) is { } ofName) ofName(field);
    }

    private static void Named(OpenApiSchema field) => (field.MinLength, field.Pattern) = (1, NoControl);

    /// <summary>Of a picture that may stand there by itself, or in an object.</summary>
    private static void PictureTexts(OpenApiSchema field)
    {
        foreach (var text in (field.AnyOf ?? []).OfType<OpenApiSchema>().Where(form => form.Type == JsonSchemaType.String)) text.Pattern = Picture;
    }

    private static OpenApiSchema Text(int least, int most) => new() { Type = JsonSchemaType.String, MinLength = least == 0 ? null : least, MaxLength = most };

    private static OpenApiSchema PictureText() => new() { Type = JsonSchemaType.String, Pattern = Picture };
}
