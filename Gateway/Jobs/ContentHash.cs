using System.Security.Cryptography;

namespace Emu3.Gateway.Jobs;

/// <summary>SHA-256 over the parts of a submission: what tells one from another under the same key.</summary>
internal sealed class ContentHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public string Text => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public void Add(ReadOnlySpan<byte> part)
    {
        _hash.AppendData(part);
        _hash.AppendData("\n"u8); // no JSON value has a bare line break at its end
    }

    public void Dispose() => _hash.Dispose();
}
