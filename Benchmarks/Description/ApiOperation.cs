using System.Text.Json.Nodes;

namespace Emu3.Benchmarks.Description;

/// <summary>One operation of the document.</summary>
/// <param name="Method">As in a request.</param>
/// <param name="Path">With its fields in braces.</param>
/// <param name="Parameters">Fields of path, query and headers.</param>
/// <param name="Bodies">Schemas of what it takes, by content type; empty when it takes nothing.</param>
/// <param name="Responses">By status.</param>
internal sealed record ApiOperation(
    string Method, string Path, IReadOnlyList<ApiParameter> Parameters, IReadOnlyDictionary<string, JsonNode> Bodies, IReadOnlyDictionary<int, ApiResponse> Responses)
{
    private readonly string[] _segments = Path.Split('/');

    public string Name => $"{Method} {Path}";

    /// <summary>Whether a path is one of this operation's, and how well: more where more of it is written out. Null when it is not.</summary>
    public int? Match(string path)
    {
        var given = path.Split('/');
        // Only the last field may have slashes inside: a model's name with its owner.
        if (given.Length < _segments.Length || (given.Length > _segments.Length && !IsField(_segments[^1]))) return null;
        var written = given.Length == _segments.Length ? 1 : 0;
        for (var i = 0; i < _segments.Length; i++)
        {
            if (IsField(_segments[i])) continue;
            if (_segments[i] != given[i]) return null;
            written += 2;
        }

        return written;
    }

    private static bool IsField(string segment) => segment.StartsWith('{');
}

/// <summary>A field of path, query or headers.</summary>
internal sealed record ApiParameter(string Name, string In, bool IsRequired, JsonNode Schema);

/// <summary>What an operation answers with a status.</summary>
/// <param name="RequiredHeaders">Headers that it always has.</param>
/// <param name="Contents">Schemas by content type; empty: no body.</param>
internal sealed record ApiResponse(IReadOnlyList<string> RequiredHeaders, IReadOnlyDictionary<string, JsonNode> Contents);
