using System.Globalization;
using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Reads the fields of one JSON object strictly: a wrong type, a value out of range and a field that nobody asked for are errors that name it.
/// A field that is null counts as absent. The JSON comes from <see cref="StrictJson"/>. All errors are collected; reading goes on after one.
/// </summary>
public sealed class FieldReader
{
    private const int MaxUnknown = 64;
    private readonly JsonElement _element;
    private readonly string _path;
    private readonly List<ItemError> _errors;
    private readonly FieldLog? _log;
    private readonly List<string> _offered = [];
    private readonly HashSet<string> _accepted = new(StringComparer.Ordinal);

    /// <summary>Reads an object that stands at a path in the request; the request itself is "".</summary>
    public FieldReader(JsonElement element, string path, List<ItemError> errors)
    {
        (_element, _path, _errors, _log) = (element, path, errors, errors as FieldLog);
        _log?.Open(path, element);
        IsObject = element.ValueKind == JsonValueKind.Object;
        if (!IsObject) errors.Add(new(path, $"must be an object, and is {Name(element)}."));
    }

    /// <summary>False when the value is no object: every field then reads as absent.</summary>
    public bool IsObject { get; }

    /// <summary>Path of a field of this object.</summary>
    public string PathOf(string field) => _path.Length == 0 ? field : $"{_path}.{field}";

    public void Error(string field, string message) => _errors.Add(new(PathOf(field), message));

    /// <summary>The raw value, or null when it is absent or null.</summary>
    public JsonElement? Raw(string field)
    {
        _log?.Note(PathOf(field), new(FieldKind.Any));
        return Find(field);
    }

    private JsonElement? Find(string field)
    {
        if (_accepted.Add(field)) _offered.Add(field);
        return IsObject && _element.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public string? Text(string field, int longest)
    {
        _log?.Note(PathOf(field), new(FieldKind.Text) { Most = longest });
        if (Find(field) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) return Refuse<string>(field, $"must be a string, and is {Name(value)}.");
        var text = value.GetString()!;
        return text.Length <= longest ? text : Refuse<string>(field, $"has {text.Length} characters; {longest} are allowed.");
    }

    /// <summary>One string, or an array of some: each has at least one character.</summary>
    public IReadOnlyList<string>? Texts(string field, int most, int longest)
    {
        if (Raw(field) is not { } value) return null;
        JsonElement[] elements = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Take(most + 1)] : [value];
        if (elements.Length > most) return Refuse<string[]>(field, $"has {value.GetArrayLength()} strings; {most} are allowed.");
        foreach (var element in elements)
        {
            if (element.ValueKind != JsonValueKind.String)
                return Refuse<string[]>(field, $"must be a string or an array of at most {most}, and {(value.ValueKind == JsonValueKind.Array ? "holds" : "is")} {Name(element)}.");
            if (element.GetString()!.Length is var length && (length == 0 || length > longest))
                return Refuse<string[]>(field, $"has a string of {length} characters; 1 to {longest} are allowed.");
        }

        return Array.ConvertAll(elements, element => element.GetString()!);
    }

    public int? Whole(string field, int least, int most)
    {
        _log?.Note(PathOf(field), new(FieldKind.Whole) { Least = least, Most = most });
        if (Find(field) is not { } value) return null;
        if (WholeNumber.TryRead(value, out var number) && number >= least && number <= most) return (int)number;
        Error(field, $"must be a whole number from {least} to {most}, and is {Name(value)}.");
        return null;
    }

    public double? Number(string field, double least, double most, bool isLeastIncluded = true)
    {
        _log?.Note(PathOf(field), new(FieldKind.Number) { Least = least, Most = most, IsLeastExcluded = !isLeastIncluded });
        if (Find(field) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number <= most
            && (isLeastIncluded ? number >= least : number > least)) return number;
        Error(field, string.Create(CultureInfo.InvariantCulture,
            $"must be a number {(isLeastIncluded ? "from" : "above")} {least} {(isLeastIncluded ? "to" : "and at most")} {most}, and is {Name(value)}."));
        return null;
    }

    public bool? Flag(string field)
    {
        _log?.Note(PathOf(field), new(FieldKind.Flag));
        if (Find(field) is not { } value) return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Error(field, $"must be true or false, and is {Name(value)}.");
        return null;
    }

    /// <summary>A 64-bit seed; null also when it says that one is to be drawn (see <see cref="RequestSeed"/>).</summary>
    public ulong? Seed(string field)
    {
        _log?.Note(PathOf(field), new(FieldKind.Seed));
        if (Find(field) is not { } value) return null;
        if (!RequestSeed.TryRead(value, out var seed)) Error(field, $"must be {RequestSeed.Form}; it is {Name(value)}.");
        return seed;
    }

    /// <summary>One of a few words.</summary>
    public T? Choice<T>(string field, params ReadOnlySpan<(string Word, T Value)> allowed) where T : struct
    {
        _log?.Note(PathOf(field), new(FieldKind.Choice) { Words = WordsOf(allowed) });
        if (Find(field) is not { } value) return null;
        foreach (var (word, meaning) in allowed)
            if (value.ValueKind == JsonValueKind.String && value.ValueEquals(word)) return meaning;
        Error(field, $"must be {string.Join(" or ", WordsOf(allowed).Select(word => $"\"{word}\""))}, and is {Name(value)}.");
        return null;
    }

    /// <summary>One of a few words, as it stands.</summary>
    public string? Word(string field, params ReadOnlySpan<string> allowed)
    {
        var places = new (string Word, int Place)[allowed.Length];
        for (var i = 0; i < places.Length; i++) places[i] = (allowed[i], i);
        return Choice(field, places) is { } place ? allowed[place] : null;
    }

    private static string[] WordsOf<T>(ReadOnlySpan<(string Word, T Value)> allowed)
    {
        var words = new string[allowed.Length];
        for (var i = 0; i < words.Length; i++) words[i] = allowed[i].Word;
        return words;
    }

    /// <summary>A field that is known and has no effect here.</summary>
    public void Ignore(params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            _log?.Note(PathOf(field), new(FieldKind.Ignored));
            _accepted.Add(field);
        }
    }

    /// <summary>A field that is known and not supported: refused by name, unless it has one of the neutral values (JSON text) that ask for nothing.</summary>
    public void Unsupported(string field, params ReadOnlySpan<string> neutral)
    {
        _log?.Note(PathOf(field), new(FieldKind.Unsupported) { Words = neutral.ToArray() });
        _accepted.Add(field);
        if (!IsObject || !_element.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null) return;
        foreach (var text in neutral)
        {
            using var allowed = JsonDocument.Parse(text);
            if (IsSame(value, allowed.RootElement)) return;
        }
        Error(field, neutral.Length == 0
            ? "is not supported."
            : $"is not supported beyond {string.Join(" or ", neutral.ToArray())}, and is {Name(value)}.");
    }

    /// <summary>Numbers by their value, where they have one: the library throws at an exponent of more than nine digits.</summary>
    private static bool IsSame(JsonElement value, JsonElement allowed) => value.ValueKind == JsonValueKind.Number
        ? allowed.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number == allowed.GetDecimal()
        : JsonElement.DeepEquals(value, allowed);

    /// <summary>Refuses every field that was not asked for, and says which there are. Of very many the first stand for all: each message is longer than its field.</summary>
    public void Close()
    {
        _log?.Close(_path);
        if (!IsObject) return;
        foreach (var property in _element.EnumerateObject().Where(property => !_accepted.Contains(property.Name)).Take(MaxUnknown))
            Error(property.Name switch { "" => "\"\"", { Length: > 64 } name => name[..64], var name => name }, $"is not a known field. Known are {string.Join(", ", _offered)}.");
    }

    /// <summary>A value in a message: itself when it is short, else its kind.</summary>
    public static string Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.Undefined => "absent",
        _ => value.GetRawText() is { Length: <= 40 } text ? text : $"{value.GetRawText()[..36]} …",
    };

    private T? Refuse<T>(string field, string message) where T : class
    {
        Error(field, message);
        return null;
    }
}
