namespace Emu3.Grains.Interfaces;

/// <summary>Where an item stands. Done, Failed and Cancelled are final.</summary>
public enum ItemStatus : byte { Pending = 0, Running = 1, Done = 2, Failed = 3, Cancelled = 4 }

/// <summary>What a finished item gave. The file itself is in the blob store under <see cref="BlobKeys.Result"/>.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemResult")]
public sealed record ItemResult
{
    /// <summary>SHA-256 of the file.</summary>
    [Id(0)] public required byte[] FileHash { get; init; }
    [Id(1)] public required long FileBytes { get; init; }
    [Id(2)] public required int PromptTokens { get; init; }

    /// <summary>Of the prompt's tokens, those of pictures.</summary>
    [Id(3)] public int PromptImageTokens { get; init; }
    [Id(4)] public required int GeneratedTokens { get; init; }

    /// <summary>SHA-256 of the generated token ids, as little-endian 32-bit integers.</summary>
    [Id(5)] public required byte[] TokensHash { get; init; }

    /// <summary>False when the text was cut at its longest length.</summary>
    [Id(6)] public required bool CameToItsEnd { get; init; }

    /// <summary>The numeric class that made it.</summary>
    [Id(7)] public required string NumericClass { get; init; }

    /// <summary>The class is row invariant: the same seed gives the same tokens again.</summary>
    [Id(8)] public required bool IsReproducible { get; init; }

    /// <summary>Tokens that were there already when its last lease began.</summary>
    [Id(9)] public int ResumedTokens { get; init; }

    /// <summary>The device that finished it: <see cref="WorkerInfo.Device"/>.</summary>
    [Id(10)] public string MadeBy { get; init; } = "";

    /// <summary>Time in the engine under its last lease, times its share of the engine's places.</summary>
    [Id(11)] public TimeSpan DeviceTime { get; init; }
}

/// <summary>Why an item failed.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemFailure")]
public sealed record ItemFailure([property: Id(0)] FailureCode Code, [property: Id(1)] string Message);

/// <summary>The closed list of expected failures; the gateway maps it to HTTP in one file.</summary>
public enum FailureCode
{
    None = 0,

    // The request's side.
    InvalidRequest = 1,
    PromptTooLong = 2,
    SizeNotSupported = 3,
    PictureNotReadable = 4,
    ModelNotFound = 5,
    NotSupportedByModel = 6,
    JobNotFound = 7,
    ItemNotFound = 8,
    IdempotencyConflict = 9,

    // The cluster's side.
    NoWorker = 20,
    DeviceOutOfMemory = 21,
    Poisoned = 22,
    EngineFailed = 23,
}

/// <summary>Keys of the blob store. Every part that came from outside is an id that was checked.</summary>
public static class BlobKeys
{
    /// <summary>Everything of a job; what garbage collection removes.</summary>
    public static string Job(string tenant, JobId job) => $"{tenant}/{job}";

    /// <summary>The file that an item gave.</summary>
    public static string Result(string tenant, JobId job, int item, byte[] fileHash) =>
        $"{Job(tenant, job)}/{item}/{Convert.ToHexStringLower(fileHash)}";

    /// <summary>A picture that came with the job.</summary>
    public static string Input(string tenant, JobId job, byte[] fileHash) => $"{Job(tenant, job)}/inputs/{Convert.ToHexStringLower(fileHash)}";

    /// <summary>The lines of a batch that are not in its job, and why.</summary>
    public static string RefusedLines(string tenant, JobId job) => $"{Job(tenant, job)}/refused-lines";

    /// <summary>A file that a tenant uploaded.</summary>
    public static string File(string tenant, FileId file) => $"{tenant}/files/{file}";

    /// <summary>Tokens of all running items of a job.</summary>
    public static string ResumePoints(JobId job) => $"ckpt/{job}";

    /// <summary>Tokens of a running item.</summary>
    public static string ResumePoint(JobId job, int item) => $"{ResumePoints(job)}/{item}";
}
