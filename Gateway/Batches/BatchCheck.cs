using System.Text.Json;
using Emu3.Gateway.Endpoints;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Looks through a batch's lines for what only a batch asks of them; whether each can be run, <see cref="Jobs.JobSubmission"/> checks. Lines come one after
/// the other and are not kept.
/// </summary>
/// <param name="endpoint">The address that each must name.</param>
/// <param name="mostErrors">Errors that are kept.</param>
internal sealed class BatchCheck(string endpoint, int mostErrors = BatchCheck.MaxErrors)
{
    /// <summary>As OpenAI has it.</summary>
    public const int MaxLines = 50_000;

    /// <summary>Errors that are kept of one batch.</summary>
    public const int MaxErrors = 256;

    private readonly Dictionary<string, int> _lineOf = new(StringComparer.Ordinal);
    private readonly List<BatchError> _errors = [];
    private readonly List<byte> _sampleCounts = [];
    private readonly List<string?> _ids = [];
    private readonly OrderedDictionary<string, bool> _models = new(StringComparer.Ordinal);
    private byte[] _inline = [];

    public int LineCount { get; private set; }

    /// <summary>There are more lines than allowed: the rest need not be looked at.</summary>
    public bool IsTooLong => LineCount > MaxLines;

    /// <summary>In the order of lines.</summary>
    public IReadOnlyList<BatchError> Errors => LineCount == 0 ? [new("empty_file", null, "The file has no lines.", "input_file_id")] : _errors;

    /// <summary>The model that the first line names; null when it names none.</summary>
    public string? Model { get; private set; }

    /// <summary>The models that lines name, in the order in which they first come.</summary>
    public IEnumerable<string> Models => _models.Keys;

    /// <summary>The <c>custom_id</c> of a line, counted from 1; null where it has none.</summary>
    public string? IdOf(int line) => _ids[line - 1];

    /// <summary>As <see cref="BatchInfo.InlineItems"/>.</summary>
    public byte[] InlineItems => _inline;

    /// <summary>As <see cref="BatchInfo.SampleCounts"/>.</summary>
    public byte[] SampleCounts => _sampleCounts.TrueForAll(count => count == 1) ? [] : [.. _sampleCounts];

    /// <summary>These lines, counted from 1, come to no output.</summary>
    public void LeaveOut(IReadOnlySet<int> lines)
    {
        foreach (var line in lines) _sampleCounts[line - 1] = 0;
    }

    /// <summary>The next line.</summary>
    public void Add(ReadOnlyMemory<byte> line)
    {
        LineCount++;
        if (IsTooLong)
        {
            Error("too_many_lines", $"The file has more than {MaxLines} lines, the most of one batch. Split it.", null, null);
            return;
        }

        _sampleCounts.Add(1);
        _ids.Add(null);
        using var document = StrictJson.Parse(line, out var error);
        if (document is null) Error("invalid_json_line", $"The line {error}", null, LineCount);
        else if (document.RootElement.ValueKind != JsonValueKind.Object) Error("invalid_json_line", "The line must be an object.", null, LineCount);
        else Check(document.RootElement);
    }

    private void Check(JsonElement line)
    {
        var id = TextOf(line, "custom_id") is { Length: > 0 } text ? text : null;
        if (id is null) Error("missing_required_parameter", "custom_id: is missing: a text that no other line has.", "custom_id", LineCount);
        else if (!_lineOf.TryAdd(id, LineCount)) Error("duplicate_custom_id", $"custom_id: is that of line {_lineOf[id]}; each line must have its own.", "custom_id", LineCount);
        _ids[^1] = id;
        if (TextOf(line, "method") is not "POST") Error("invalid_method", "method: must be \"POST\".", "method", LineCount);
        if (TextOf(line, "url") != endpoint) Error("invalid_url", $"url: must be \"{endpoint}\", the endpoint of the batch.", "url", LineCount);
        if (!line.TryGetProperty("body", out var body) || body.ValueKind != JsonValueKind.Object)
        {
            Error("missing_required_parameter", "body: is missing: an object.", "body", LineCount);
            return;
        }

        if (TextOf(body, "model") is { } model) _models.TryAdd(model, true);
        if (LineCount == 1) Model = TextOf(body, "model");
        if (endpoint != BatchRequest.Images) return;
        if (body.TryGetProperty("n", out var count) && count.ValueKind == JsonValueKind.Number)
        {
            if (WholeNumber.TryRead(count, out var number) && number is >= 1 and <= Images.MaxSamples) _sampleCounts[^1] = (byte)number;
            else Error("invalid_value", $"body.n: must be a whole number from 1 to {Images.MaxSamples}, as where the endpoint is called by itself.", "body.n", LineCount);
        }
        if (TextOf(body, "response_format") == "b64_json") MarkInline(LineCount - 1);
    }

    private void MarkInline(int item)
    {
        if (item / 8 >= _inline.Length) Array.Resize(ref _inline, item / 8 + 1 + _inline.Length / 2);
        _inline[item / 8] |= (byte)(1 << (item % 8));
    }

    private static string? TextOf(JsonElement element, string field) =>
        element.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private void Error(string code, string message, string? param, int? line)
    {
        if (_errors.Count < mostErrors) _errors.Add(new(code, line, message, param));
    }

    /// <summary>These errors and those that the job's own checks found, of each field of a line once.</summary>
    /// <param name="structure">What is wrong with lines of a batch.</param>
    /// <param name="content">What is wrong with what they ask for.</param>
    public static IReadOnlyList<BatchError> Merge(IReadOnlyList<BatchError> structure, IReadOnlyList<LineError> content)
    {
        var told = structure.Select(error => (error.Line, error.Param)).ToHashSet();
        var broken = structure.Where(error => error.Code == "invalid_json_line").Select(error => error.Line).ToHashSet();
        var added = content
            .Where(error => !broken.Contains(error.Line) && !told.Contains((error.Line, error.Param)) && !(error.Param == "id" && told.Contains((error.Line, "custom_id"))))
            .Select(error => new BatchError(
                "invalid_request", error.Line, error.Param.Length == 0 ? error.Message : $"{error.Param}: {error.Message}", error.Param.Length == 0 ? null : error.Param));
        return [.. structure.Concat(added).OrderBy(error => error.Line ?? 0).Take(MaxErrors)];
    }
}
