namespace Emu3.Storage.Blobs;

/// <summary>
/// Files by key, shared by all processes of a cluster. A key is parts of letters, digits, <c>_</c>, <c>-</c> and <c>.</c>, joined by <c>/</c>;
/// any other, and parts of dots alone, throw <see cref="ArgumentException"/>.
/// </summary>
public interface IBlobStore
{
    /// <summary>Stores a whole file, replacing one of that name in one step. Durable when it returns: after a crash there is the old file or the new, never a part.</summary>
    Task WriteAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default);

    /// <summary>
    /// Stores what comes of a stream, which is never held whole, in the same way: it appears under its name, or replaces what had it, only when all of it
    /// is on the disk. What the stream throws, this throws, and nothing has changed.
    /// </summary>
    /// <returns>Bytes of the file.</returns>
    Task<long> WriteAsync(string key, Stream content, CancellationToken cancellationToken = default);

    /// <summary>The file's content, or null when there is none.</summary>
    Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Opens the file for streaming, or null when there is none. The caller disposes of it.</summary>
    Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Removes a file. Nothing happens when there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Removes every file whose key begins with the prefix and a slash.</summary>
    Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default);

    /// <summary>
    /// An address of the store that opens the file for anyone, until it expires; null where the store gives none, and files are served by gateways alone. It is made
    /// whether there is such a file or not. It is a secret: it belongs into no log.
    /// </summary>
    /// <param name="key">The file.</param>
    /// <param name="lifetime">7 days at most.</param>
    /// <param name="contentType">What the store says that it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<string?> GetAddressAsync(string key, TimeSpan lifetime, string contentType, CancellationToken cancellationToken = default) => Task.FromResult<string?>(null);
}
