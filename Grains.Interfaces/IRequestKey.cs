using System.Security.Cryptography;
using System.Text;

namespace Emu3.Grains.Interfaces;

/// <summary>
/// One <c>Idempotency-Key</c> of a tenant's requests that somebody waits for, and the job that answers it. Key: <see cref="KeyOf"/>. It is held by one job at a
/// time, under a fresh id, and free again when that job is removed. Every reply reports durable state.
/// </summary>
[Alias("emu3.IRequestKey")]
public interface IRequestKey : IGrainWithStringKey
{
    /// <summary>The grain of one tenant's key. The key itself, which may be anything, is stored nowhere.</summary>
    static string KeyOf(string tenant, string idempotencyKey) =>
        $"request_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenant + "\n" + idempotencyKey)).AsSpan(0, 16))}";

    /// <summary>Who holds the key; null when nobody does.</summary>
    [Alias("Find")] Task<RequestClaim?> Find();

    /// <summary>
    /// Takes the key, where nobody holds it or the job that does is the one whose place is to be taken. Idempotent.
    /// Another content than the holder's throws <see cref="IdempotencyConflictException"/>.
    /// </summary>
    /// <param name="claim">Who wants it.</param>
    /// <param name="inPlaceOf">A job that answers nobody any more; null for none.</param>
    /// <returns>Who holds it now.</returns>
    [Alias("Claim")] Task<RequestClaim> Claim(RequestClaim claim, JobId? inPlaceOf);

    /// <summary>The job is going, or never came to be: it holds the key no more. Idempotent.</summary>
    [Alias("Forget")] Task Forget(JobId job);
}

/// <summary>Who holds a request's key.</summary>
/// <param name="Job">The job that answers; it may not be accepted yet.</param>
/// <param name="ContentHash">SHA-256 over the request, in hex.</param>
[GenerateSerializer, Immutable, Alias("emu3.RequestClaim")]
public sealed record RequestClaim([property: Id(0)] JobId Job, [property: Id(1)] string ContentHash);
