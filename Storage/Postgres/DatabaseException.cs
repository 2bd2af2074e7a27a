namespace Emu3.Storage.Postgres;

/// <summary>The database can't be used; the message says why and what to do.</summary>
public sealed class DatabaseException(string message, Exception? cause = null) : Exception(message, cause);
