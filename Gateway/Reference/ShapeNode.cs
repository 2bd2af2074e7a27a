using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Reference;

/// <summary>A value in a request's JSON, as readers were seen to read it: elements of an array count as one.</summary>
internal sealed class ShapeNode
{
    private readonly List<FieldForm> _forms = [];
    private readonly OrderedDictionary<string, ShapeNode> _fields = new(StringComparer.Ordinal);
    private readonly List<(JsonElement Element, IReadOnlySet<string> Missed)> _seen = [];

    /// <summary>What it may hold beside <see cref="Fields"/> and <see cref="Element"/>, each once, in the order of reading.</summary>
    public IReadOnlyList<FieldForm> Forms => _forms;

    /// <summary>Fields of an object, in the order of reading.</summary>
    public IReadOnlyDictionary<string, ShapeNode> Fields => _fields;

    /// <summary>Any element of an array; null where none was read.</summary>
    public ShapeNode? Element { get; private set; }

    public bool IsObject => _seen.Count > 0;

    /// <summary>An object that takes no other fields.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether the reader missed the field whenever it was not there.</summary>
    public bool IsRequired(string field)
    {
        var without = _seen.Where(seen => seen.Element.ValueKind == JsonValueKind.Object && !seen.Element.TryGetProperty(field, out _)).ToList();
        return without.Count > 0 && without.All(seen => seen.Missed.Contains(field));
    }

    /// <summary>Adds what one reading of a request showed; this is the request itself.</summary>
    public void Add(FieldLog log)
    {
        foreach (var (path, form) in log.Fields)
        {
            var node = At(path);
            if (node._forms.All(known => known.Kind != form.Kind)) node._forms.Add(form);
        }

        foreach (var (path, element) in log.Objects)
        {
            var node = At(path);
            var start = path.Length == 0 ? "" : path + ".";
            var missed = log.Where(error => error.Param.StartsWith(start, StringComparison.Ordinal) && error.Message.StartsWith("is missing", StringComparison.Ordinal))
                .Select(error => error.Param[start.Length..]);
            node._seen.Add((element.Clone(), missed.ToHashSet(StringComparer.Ordinal)));
            node.IsClosed |= log.IsClosed(path);
        }
    }

    private ShapeNode At(string path)
    {
        var node = this;
        foreach (var part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var pieces = part.Split('[');
            node = node.Field(pieces[0]);
            for (var depth = 1; depth < pieces.Length; depth++) node = node.Element ??= new();
        }

        return node;
    }

    private ShapeNode Field(string name)
    {
        if (!_fields.TryGetValue(name, out var field)) _fields.Add(name, field = new());
        return field;
    }
}
