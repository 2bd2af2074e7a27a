using System.Security.Cryptography;

namespace Emu3.Grains.Interfaces;

/// <summary>Names a batch: <c>batch_</c> and the 32 hex digits that its job's id has, so that each of the two gives the other.</summary>
[GenerateSerializer, Immutable, Alias("emu3.BatchId")]
public readonly record struct BatchId([property: Id(0)] string Value)
{
    private const string Prefix = "batch_";
    private const string JobPrefix = "job_";

    /// <summary>A fresh id.</summary>
    public static BatchId Draw() => OfDigits(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    /// <summary>The id that one tenant's idempotency key always gives: never that of a job under the same key, since no key has a line break.</summary>
    public static BatchId FromIdempotencyKey(string tenant, string idempotencyKey) => Of(JobId.FromIdempotencyKey(tenant, "batch\n" + idempotencyKey));

    /// <summary>The batch whose job this would be.</summary>
    public static BatchId Of(JobId job) => OfDigits(job.Value[JobPrefix.Length..]);

    /// <summary>From 32 hex digits.</summary>
    internal static BatchId OfDigits(string digits) => new(Prefix + digits);

    /// <summary>Whether a string that came from outside has the form of an id.</summary>
    public static bool TryParse(string? text, out BatchId id)
    {
        id = new(text ?? "");
        return text is not null && text.StartsWith(Prefix, StringComparison.Ordinal) && JobId.TryParse(JobPrefix + text[Prefix.Length..], out _);
    }

    public string Digits => Value[Prefix.Length..];

    /// <summary>The job that does the batch's work.</summary>
    public JobId Job => new(JobPrefix + Digits);

    public override string ToString() => Value;
}
