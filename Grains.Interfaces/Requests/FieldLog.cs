using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Stands in for a reader's list of errors and notes what the reader asks for on its way: which fields there are, and what each may hold. Whoever describes a
/// request reads a probe with one, so that the description is what is accepted. Paths are as in errors.
/// </summary>
public sealed class FieldLog : List<ItemError>
{
    private readonly List<(string Path, JsonElement Element)> _objects = [];
    private readonly List<(string Path, FieldForm Form)> _fields = [];
    private readonly HashSet<string> _closed = new(StringComparer.Ordinal);

    /// <summary>Objects that were read, in this order; "" is the request itself.</summary>
    public IReadOnlyList<(string Path, JsonElement Element)> Objects => _objects;

    /// <summary>Fields that were asked for, in this order; one may come several times.</summary>
    public IReadOnlyList<(string Path, FieldForm Form)> Fields => _fields;

    /// <summary>Whether the object takes no other fields.</summary>
    public bool IsClosed(string path) => _closed.Contains(path);

    internal void Open(string path, JsonElement element) => _objects.Add((path, element));

    internal void Note(string path, FieldForm form) => _fields.Add((path, form));

    internal void Close(string path) => _closed.Add(path);
}

/// <summary>What a field may hold.</summary>
public enum FieldKind
{
    /// <summary>Whatever its own reader takes.</summary>
    Any,

    /// <summary>At most <see cref="FieldForm.Most"/> characters.</summary>
    Text,
    Whole,
    Number,
    Flag,

    /// <summary>64 bits, as a number or a decimal string.</summary>
    Seed,

    /// <summary>One of <see cref="FieldForm.Words"/>.</summary>
    Choice,

    /// <summary>Anything, without effect.</summary>
    Ignored,

    /// <summary>Nothing but <see cref="FieldForm.Words"/>, in JSON, which ask for nothing.</summary>
    Unsupported,
}

/// <summary>What a field may hold, and within which bounds.</summary>
public sealed record FieldForm(FieldKind Kind)
{
    public double? Least { get; init; }
    public double? Most { get; init; }

    /// <summary>The least is no value itself.</summary>
    public bool IsLeastExcluded { get; init; }
    public IReadOnlyList<string> Words { get; init; } = [];
}
