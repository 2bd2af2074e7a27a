using System.Globalization;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Files;

/// <summary>The fields of an upload beside the file itself, as text, and what they mean.</summary>
internal sealed class FileFields
{
    private const string Anchor = "expires_after[anchor]";
    private const string Seconds = "expires_after[seconds]";
    private static readonly string[] s_known = ["purpose", Anchor, Seconds];
    private static readonly (string Word, FilePurpose Purpose)[] s_purposes =
        [("batch", FilePurpose.Batch), ("vision", FilePurpose.Vision), ("user_data", FilePurpose.UserData)];
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);

    /// <summary>Names of the fields.</summary>
    public static IReadOnlyList<string> Known => s_known;

    /// <summary>The form, as the API reference tells it.</summary>
    public static OpenApiSchema Shape => new()
    {
        Type = JsonSchemaType.Object,
        AdditionalPropertiesAllowed = false,
        Required = new HashSet<string> { "file", "purpose" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["purpose"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Enum = [.. s_purposes.Select(known => (JsonNode)known.Word)],
                Description = "What the file is for; best sent before the file, which then is refused before it is read where it may not be.",
            },
            [Anchor] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["created_at"], Description = "From when on seconds count." },
            [Seconds] = new OpenApiSchema
            {
                Type = JsonSchemaType.Integer,
                Minimum = $"{FileLimits.MinSeconds}",
                Maximum = $"{FileLimits.MaxSeconds}",
                Description = "The file goes by itself after so long.",
            },
            ["file"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "The file; the name that it comes with is kept for showing." },
        },
    };

    /// <summary>The purpose, once it has arrived and is one that we have.</summary>
    public FilePurpose? Purpose => _texts.TryGetValue("purpose", out var word) ? PurposeOf(word) : null;

    /// <summary>The purpose has arrived, and we don't have it.</summary>
    public bool IsPurposeWrong => _texts.ContainsKey("purpose") && Purpose is null;

    /// <summary>Bytes that the file may have, as far as is known by now.</summary>
    public long MaxBytes => Purpose == FilePurpose.Batch ? FileLimits.BatchBytes : FileLimits.Bytes;

    public static string WordOf(FilePurpose purpose) => s_purposes.Single(known => known.Purpose == purpose).Word;

    /// <summary>The purpose of that name, or null when we have none.</summary>
    public static FilePurpose? PurposeOf(string word) => Array.Find(s_purposes, known => known.Word == word) is { Word: not null } found ? found.Purpose : null;

    /// <summary>A field has arrived.</summary>
    public void Add(string field, string text, List<ItemError> errors)
    {
        if (!s_known.Contains(field)) errors.Add(new(field.Length <= 64 ? field : field[..64], $"is not a known field. Known are file, {string.Join(", ", s_known)}."));
        else if (!_texts.TryAdd(field, text)) errors.Add(new(field, "is there twice."));
    }

    /// <summary>Checks what can only be checked when all fields are there.</summary>
    /// <returns>How long the file lasts; null: until it is deleted.</returns>
    public TimeSpan? Check(List<ItemError> errors)
    {
        if (!_texts.TryGetValue("purpose", out var word)) errors.Add(new("purpose", $"is missing: {Purposes()}."));
        else if (Purpose is null) errors.Add(new("purpose", $"must be {Purposes()}, and is \"{(word.Length <= 40 ? word : word[..40])}\"."));
        if (!_texts.TryGetValue(Seconds, out var text))
        {
            if (_texts.ContainsKey(Anchor)) errors.Add(new(Seconds, "is missing."));
            return Purpose == FilePurpose.Batch ? FileLimits.BatchLife : null;
        }

        if (_texts.GetValueOrDefault(Anchor) != "created_at") errors.Add(new(Anchor, "must be \"created_at\"."));
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= FileLimits.MinSeconds and <= FileLimits.MaxSeconds)
            return TimeSpan.FromSeconds(seconds);
        errors.Add(new(Seconds, $"must be a whole number from {FileLimits.MinSeconds} to {FileLimits.MaxSeconds}."));
        return null;
    }

    private static string Purposes() => string.Join(" or ", s_purposes.Select(known => $"\"{known.Word}\""));
}
