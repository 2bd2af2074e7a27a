using System.Text.Json.Serialization;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Contracts;

/// <summary>Every error, in OpenAI's shape.</summary>
internal sealed record ErrorAnswer(ErrorBody Error);

/// <summary>What went wrong. Clients expect the first four keys to be there always.</summary>
internal sealed record ErrorBody
{
    /// <summary>For a person: what is wrong, and what is allowed.</summary>
    public required string Message { get; init; }

    /// <summary><c>invalid_request_error</c>, <c>not_found_error</c>, <c>server_error</c> …</summary>
    public required string Type { get; init; }

    /// <summary>Path of the field that is wrong, or null.</summary>
    public string? Param { get; init; }

    /// <summary>For a program: which error it is, or null.</summary>
    public string? Code { get; init; }

    /// <summary>Of a job that was refused: every bad item, as far as it was read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LineError>? LineErrors { get; init; }
}
