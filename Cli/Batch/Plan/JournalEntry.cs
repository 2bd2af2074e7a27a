using System.Text.Json;
using System.Text.Json.Serialization;

namespace Emu3.Cli.Batch.Plan;

/// <summary>What a batch writes down about itself in <c>.emu3/journal.jsonl</c>, in order. <see cref="BatchHistory"/> is what the lines add up to.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "entry")]
[JsonDerivedType(typeof(Began), "began")]
[JsonDerivedType(typeof(Output), "output")]
[JsonDerivedType(typeof(Submitting), "submitting")]
[JsonDerivedType(typeof(Accepted), "accepted")]
[JsonDerivedType(typeof(Fetched), "fetched")]
[JsonDerivedType(typeof(Made), "made")]
[JsonDerivedType(typeof(Failed), "failed")]
[JsonDerivedType(typeof(Closed), "closed")]
internal abstract record JournalEntry
{
    private JournalEntry() { }

    /// <summary>The first line: the seed of the whole batch, which every later run of it takes.</summary>
    public sealed record Began(string Seed) : JournalEntry;

    /// <summary>
    /// One output of the submission that the next <see cref="Submitting"/> names, what it is made from, and the file that it will be written to (null for an answer).
    /// </summary>
    public sealed record Output(string Id, uint Sample, string Spec, string? File) : JournalEntry;

    /// <summary>Written before the gateway is asked: under this key it makes at most one job, however often it is asked.</summary>
    public sealed record Submitting(string Key) : JournalEntry;

    /// <summary>The gateway's job for a key.</summary>
    public sealed record Accepted(string Key, string Job) : JournalEntry;

    /// <summary>All outcomes of the job up to the cursor are in the folder.</summary>
    public sealed record Fetched(string Key, string Cursor) : JournalEntry;

    /// <summary>The device that made an output: here and not in <c>metadata.jsonl</c>, which is the same whoever made it.</summary>
    public sealed record Made(string Id, uint Sample, string By) : JournalEntry;

    /// <summary>An output failed, and is not tried again unless asked.</summary>
    public sealed record Failed(string Id, uint Sample, string Spec, string Reason) : JournalEntry;

    /// <summary>Nothing more comes of the key.</summary>
    public sealed record Closed(string Key) : JournalEntry;

    public string ToLine() => JsonSerializer.Serialize(this, s_json);

    public static JournalEntry FromLine(string line) => JsonSerializer.Deserialize<JournalEntry>(line, s_json)
        ?? throw new JsonException("An empty line in the journal.");

    private static readonly JsonSerializerOptions s_json = new(CliJson.Readable) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
