namespace Emu3.Grains.Interfaces;

/// <summary>What is known of an uploaded file; its bytes are in the blob store under <see cref="BlobKeys.File"/>.</summary>
[GenerateSerializer, Immutable, Alias("emu3.FileCard")]
public sealed record UploadedFile
{
    [Id(0)] public required FileId Id { get; init; }
    [Id(1)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>What its owner calls it: for showing alone, never a path of ours.</summary>
    [Id(2)] public required string Name { get; init; }
    [Id(3)] public required FilePurpose Purpose { get; init; }
    [Id(4)] public long Bytes { get; init; }

    /// <summary>Line ends in it, counted as it came.</summary>
    [Id(5)] public long LineCount { get; init; }

    /// <summary>From then on it is not there; null: until it is deleted.</summary>
    [Id(6)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>All of it has arrived. Before, nobody is told of it, and if that does not come within a day it is removed.</summary>
    [Id(7)] public bool IsComplete { get; init; }

    /// <summary>SHA-256 of its bytes, once it is complete.</summary>
    [Id(8)] public byte[] Hash { get; init; } = [];

    /// <summary>The two came of the same upload.</summary>
    public bool IsSameUpload(UploadedFile other) => Name == other.Name && Purpose == other.Purpose && Hash.AsSpan().SequenceEqual(other.Hash);
}

/// <summary>What a file is for.</summary>
public enum FilePurpose
{
    /// <summary>Lines of a batch.</summary>
    Batch = 0,

    /// <summary>A picture to ask about.</summary>
    Vision = 1,
    UserData = 2,
}

/// <summary>A place in a list of files: one of a moment after another by their ids, so that it stays a place when the file is gone.</summary>
[GenerateSerializer, Immutable, Alias("emu3.FilePlace")]
public sealed record FilePlace([property: Id(0)] DateTimeOffset CreatedAt, [property: Id(1)] string Id)
{
    public static IComparer<FilePlace> OldestFirst { get; } = Comparer<FilePlace>.Create((one, other) =>
        one.CreatedAt.UtcTicks.CompareTo(other.CreatedAt.UtcTicks) is var byAge and not 0 ? byAge : string.CompareOrdinal(one.Id, other.Id));

    /// <summary>Whether it comes behind another in the order; everything comes behind null, the start.</summary>
    public bool IsBehind(FilePlace? after, bool isNewestFirst) =>
        after is null || (isNewestFirst ? OldestFirst.Compare(this, after) < 0 : OldestFirst.Compare(this, after) > 0);
}
