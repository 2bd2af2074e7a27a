namespace Emu3.Storage.Postgres;

/// <summary>The database can't be used; the message says why and what to do.</summary>
public class DatabaseException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The database has not the tables of this version of the program yet. Whoever starts a cluster may be about to make them.</summary>
public sealed class SchemaMissingException(string message) : DatabaseException(message);
