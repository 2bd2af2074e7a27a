namespace Emu3.Storage.Objects;

/// <summary>
/// The object store refused, or did not answer in time; the message says which store, why, and what to do. Whoever waits for a disk waits for it as well: it is an
/// <see cref="IOException"/>.
/// </summary>
public sealed class ObjectStoreException(string message, Exception? cause = null) : IOException(message, cause);
