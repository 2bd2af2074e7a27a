using System.Text.Json;

namespace Emu3.Inference.Weights;

/// <summary>A JSON object of a checkpoint, or a part of one, whose fields are read with a default; a field of the wrong kind is an error that names file and field.</summary>
internal sealed class ConfigFile
{
    private readonly string path;
    private readonly string section;
    private readonly JsonElement fields;

    private ConfigFile(string path, string section, JsonElement fields)
    {
        this.path = path;
        this.section = section;
        this.fields = fields;
    }

    /// <exception cref="CheckpointException">The file is missing or not a JSON object.</exception>
    public static ConfigFile Read(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        try
        {
            using var document = JsonDocument.Parse(CheckpointFile.ReadAll(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigFile(path, "", document.RootElement.Clone())
                : throw new CheckpointException($"{path} must be a JSON object.");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CheckpointException($"{path} can't be read: {cause.Message}", cause);
        }
    }

    /// <summary>The same, or an empty object where there is no such file.</summary>
    public static ConfigFile ReadIfThere(string folder, string name) =>
        File.Exists(Path.Combine(folder, name)) ? Read(folder, name) : new ConfigFile(Path.Combine(folder, name), "", default);

    /// <summary>The fields of an object inside; no fields where it is absent or null.</summary>
    public ConfigFile Section(string name) => new(path, $"{section}{name}.", Find(name, "an object", JsonValueKind.Object) ?? default);

    /// <summary>The same where the field may hold something else as well, which then has no fields.</summary>
    public ConfigFile SectionIfObject(string name) =>
        Has(name) && fields.GetProperty(name).ValueKind == JsonValueKind.Object ? Section(name) : new ConfigFile(path, $"{section}{name}.", default);

    /// <summary>The objects of a list; null where the field holds no list.</summary>
    public IReadOnlyList<ConfigFile>? Sections(string name) => Has(name) && fields.GetProperty(name) is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Select((item, index) => new ConfigFile(path, $"{section}{name}[{index}].", item))]
        : null;

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => fields.ValueKind == JsonValueKind.Object && fields.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>A whole number from 1 on.</summary>
    public int Count(string name, int otherwise) => Whole(name, otherwise, least: 1);

    /// <summary>A whole number from <paramref name="least"/> on, however it is written: 8.0 is 8.</summary>
    public int Whole(string name, int otherwise, int least)
    {
        if (Find(name, "a whole number", JsonValueKind.Number) is not { } value)
        {
            return otherwise;
        }

        return value.TryGetDecimal(out var number) && decimal.Truncate(number) == number && number >= least && number <= int.MaxValue
            ? (int)number
            : throw Refused(name, $"{value} is not a whole number from {least} to {int.MaxValue}");
    }

    /// <summary>A finite number.</summary>
    public double Number(string name, double otherwise) => Find(name, "a number", JsonValueKind.Number)?.GetDouble() ?? otherwise;

    public bool Flag(string name, bool otherwise) =>
        Find(name, "true or false", JsonValueKind.True, JsonValueKind.False) is { } value ? value.ValueKind == JsonValueKind.True : otherwise;

    public string Text(string name, string otherwise) => Find(name, "a string", JsonValueKind.String)?.GetString() ?? otherwise;

    /// <summary>The spelling of a token, which may stand alone or in an object with a <c>content</c>.</summary>
    public string TokenText(string name, string otherwise) =>
        fields.ValueKind == JsonValueKind.Object && fields.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object
            ? Section(name).Text("content", otherwise)
            : Text(name, otherwise);

    /// <summary>Whole numbers from 0 on.</summary>
    public IReadOnlyList<int> Counts(string name, IReadOnlyList<int> otherwise) =>
        Find(name, "a list of whole numbers", JsonValueKind.Array) is not { } list
            ? otherwise
            : [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number) && number >= 0
                ? number
                : throw Refused(name, $"{item} is not a whole number from 0 on"))];

    /// <summary>Finite numbers.</summary>
    public IReadOnlyList<float> Numbers(string name, IReadOnlyList<float> otherwise) =>
        Find(name, "a list of numbers", JsonValueKind.Array) is not { } list
            ? otherwise
            : [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number ? item.GetSingle() : throw Refused(name, $"{item} is not a number"))];

    /// <summary>An error that names file and field.</summary>
    public CheckpointException Refused(string name, string why) => new($"{path}: {section}{name}: {why}.");

    private JsonElement? Find(string name, string wanted, params ReadOnlySpan<JsonValueKind> kinds) =>
        !Has(name) ? null
        : kinds.Contains(fields.GetProperty(name).ValueKind) ? fields.GetProperty(name)
        : throw Refused(name, $"it must be {wanted}");
}
