using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Emu3.Grains.Interfaces;

/// <summary>Names a job: <c>job_</c> and 32 hex digits. Key of <see cref="IGenerationJob"/>; shard n of it is keyed <c>{job}/{n}</c>.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobId")]
public readonly record struct JobId([property: Id(0)] string Value)
{
    private const string Prefix = "job_";
    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>The most items one shard holds.</summary>
    public const int ItemsInShard = 256;

    /// <summary>A fresh id.</summary>
    public static JobId Draw() => new(Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    /// <summary>The id that one tenant's idempotency key always gives.</summary>
    public static JobId FromIdempotencyKey(string tenant, string idempotencyKey)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(tenant + "\n" + idempotencyKey));
        return new(Prefix + Convert.ToHexStringLower(hash.AsSpan(0, 16)));
    }

    /// <summary>Whether a string that came from outside has the form of an id.</summary>
    public static bool TryParse(string? text, out JobId id)
    {
        id = new(text ?? "");
        return text is { Length: 36 } && text.StartsWith(Prefix, StringComparison.Ordinal)
            && text.AsSpan(Prefix.Length).IndexOfAnyExcept(s_hexDigits) < 0;
    }

    /// <summary>Key of the job's n-th shard.</summary>
    public string Shard(int number) => $"{Value}/{number}";

    public override string ToString() => Value;
}
