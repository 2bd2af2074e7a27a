using Emu3.Storage.Configuration;

namespace Emu3.Storage.Objects;

/// <summary>The objects below a prefix of a bucket, to read.</summary>
public sealed class ObjectFolder : IDisposable
{
    private readonly S3Requests _requests;
    private readonly string _prefix;

    /// <param name="options">Store and bucket; their prefix is ignored.</param>
    /// <param name="prefix">Any prefix, without a slash at its end; empty is the whole bucket.</param>
    /// <exception cref="ConfigurationException">The options are wrong; names each setting.</exception>
    public ObjectFolder(ObjectStoreOptions options, string prefix)
    {
        options.Prefix = null;
        if (options.Problems().Select(wrong => $"Cluster:S3:{wrong.Name}: {wrong.Problem}").ToList() is { Count: > 0 } problems) throw new ConfigurationException(problems);
        (_requests, _prefix) = (new(options), prefix.Length == 0 ? "" : prefix + "/");
    }

    /// <summary>Names behind the prefix and sizes in bytes.</summary>
    /// <exception cref="ObjectStoreException">The store refused, or did not answer in time.</exception>
    public async Task<IReadOnlyDictionary<string, long>> ListAsync(CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var page in _requests.ListAsync(_prefix, cancellationToken))
            foreach (var one in page) found[one.Key[_prefix.Length..]] = one.Size ?? 0;
        return found;
    }

    /// <summary>Opens an object at a byte; null where there is none. A connection that breaks is taken up again where it broke.</summary>
    /// <param name="name">Behind the prefix.</param>
    /// <param name="from">First byte; below the object's size, or 0.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="ObjectStoreException">The store refused, or did not answer in time.</exception>
    public async Task<Stream?> OpenReadAsync(string name, long from, CancellationToken cancellationToken) => await S3ReadStream.OpenAsync(_requests, _prefix + name, from, cancellationToken);

    public void Dispose() => _requests.Dispose();
}
