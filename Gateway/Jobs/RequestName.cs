using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>What a client calls a request that somebody waits for, so that the same one, sent again, is known as such.</summary>
/// <param name="Key">Its <c>Idempotency-Key</c>.</param>
/// <param name="ContentHash">SHA-256 over where it was sent and its body, in hex.</param>
internal sealed record RequestName(string Key, string ContentHash)
{
    /// <summary>Null where there is no key.</summary>
    public static RequestName? Of(string? key, PathString path, JsonDocument body)
    {
        if (key is null) return null;
        using var hash = new ContentHash();
        hash.Add(Encoding.UTF8.GetBytes(path.Value ?? ""));
        hash.Add(JsonMarshal.GetRawUtf8Value(body.RootElement));
        return new(key, hash.Text);
    }

    /// <summary>The grain that knows which job answers it.</summary>
    public string GrainKeyFor(string tenant) => IRequestKey.KeyOf(tenant, Key);

    /// <summary>The same request, answered by a job.</summary>
    public RequestClaim ClaimFor(JobId job) => new(job, ContentHash);
}
