using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's <c>file</c>. Times are Unix seconds.</summary>
internal sealed record FileAnswer
{
    public const string BatchOutput = "batch_output";

    public required string Id { get; init; }
    public string Object { get; } = "file";

    /// <summary>Null for a batch's lines until the batch has ended: there are more of them by the hour.</summary>
    public long? Bytes { get; init; }
    public required long CreatedAt { get; init; }
    public long? ExpiresAt { get; init; }
    public required string Filename { get; init; }
    public required string Purpose { get; init; }

    /// <summary>OpenAI no longer uses it, and its clients still want it.</summary>
    public string Status { get; } = "processed";
    public string? StatusDetails { get; }

    public static FileAnswer Of(UploadedFile file) => new()
    {
        Id = file.Id.Value,
        Bytes = file.Bytes,
        CreatedAt = file.CreatedAt.ToUnixTimeSeconds(),
        ExpiresAt = file.ExpiresAt?.ToUnixTimeSeconds(),
        Filename = file.Name,
        Purpose = FileFields.WordOf(file.Purpose),
    };
}

/// <summary>A page, as OpenAI has it.</summary>
internal sealed record ListPage<T>(IReadOnlyList<T> Data, string? FirstId, string? LastId, bool HasMore)
{
    public string Object { get; } = "list";

    /// <summary>The page of these, of which the first and the last name the next.</summary>
    public static ListPage<T> Of(IReadOnlyList<T> data, Func<T, string> idOf, bool hasMore) =>
        new(data, data.Count > 0 ? idOf(data[0]) : null, data.Count > 0 ? idOf(data[^1]) : null, hasMore);
}

/// <summary>A file is gone.</summary>
internal sealed record FileDeletedAnswer(string Id)
{
    public string Object { get; } = "file";
    public bool Deleted { get; } = true;
}
