using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Emu3.Storage.Embedded;

/// <summary>
/// One SQLite file. All writes of the process go through one thread, which commits up to 512 of them at once, so that one fsync serves many;
/// reads use pooled connections and block nobody (write-ahead log). Several processes may share the file: each waits for its turn to write.
/// A write is on disk when its task completes (<c>synchronous=FULL</c>).
/// </summary>
public sealed class SqliteDb : IDisposable
{
    private const int MaxBatch = 512;

    /// <summary>
    /// How long writes wait in all. A process that is frozen inside a transaction keeps the file until it goes on or is killed; nothing is lost by
    /// waiting for that, and every grain that has something to write would be by giving up.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly ThreadQueue<Write> _queue = new();
    private readonly SqliteConnection _writer;
    private readonly string _connectionString;
    private readonly Thread _thread;
    private int _isDisposed;
    private long _payloadBytes;

    /// <param name="path">The file; made when it is not there.</param>
    /// <param name="schema">Statements that make the tables where they are missing.</param>
    /// <param name="busySeconds">How long SQLite itself waits for another process's transaction before the write is tried anew.</param>
    public SqliteDb(string path, string schema, int busySeconds = 5)
    {
        Path = path;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWriteCreate, DefaultTimeout = busySeconds }.ToString();
        _writer = Open();
        using (var command = _writer.CreateCommand())
        {
            command.CommandText = $"PRAGMA busy_timeout={busySeconds * 1000}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;" + schema;
            command.ExecuteNonQuery();
        }

        Raise(StoreVersion.OfProgram.Oldest);
        _thread = new Thread(WriteLoop) { IsBackground = true, Name = "sqlite-writer" };
        _thread.Start();
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Commits so far; with <see cref="WriteCount"/> it shows how well writes share them.</summary>
    public long CommitCount { get; private set; }

    /// <summary>Writes so far.</summary>
    public long WriteCount { get; private set; }

    /// <summary>Bytes of grain state that were handed over so far, each time that it was written.</summary>
    public long PayloadBytes => Interlocked.Read(ref _payloadBytes);

    internal void CountPayload(int bytes) => Interlocked.Add(ref _payloadBytes, bytes);

    /// <summary>Commits tried anew so far, because another process kept the file for longer than SQLite waits.</summary>
    public long RetryCount { get; private set; }

    /// <summary>A pooled connection for reading; the caller disposes of it.</summary>
    public SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return connection;
    }

    /// <summary>
    /// Runs statements in a transaction on the writing thread. What <paramref name="work"/> throws fails this write alone, and
    /// <paramref name="work"/> may run again when another write of its batch failed: it must have no effect outside the transaction.
    /// </summary>
    public Task<T> WriteAsync<T>(Func<SqliteConnection, SqliteTransaction, T> work)
    {
        var write = new Write<T>(work);
        ObjectDisposedException.ThrowIf(!_queue.TryAdd(write), this);
        return write.Task;
    }

    /// <summary>Commits what is queued and closes the file.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _queue.Complete();
        _thread.Join();
        _writer.Dispose();
        using (var pooled = new SqliteConnection(_connectionString)) SqliteConnection.ClearPool(pooled);
    }

    /// <summary>The oldest <see cref="StoreVersion"/> whose programs may use a file; 0 where there is none. One from before versions were kept is of the first.</summary>
    public static int ReadOldestVersion(string path)
    {
        if (!File.Exists(path)) return 0;
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        connection.Open();
        return Math.Max(1, ReadOldestVersion(connection));
    }

    private static int ReadOldestVersion(SqliteConnection connection) => Convert.ToInt32(connection.Scalar(null, "PRAGMA user_version"), CultureInfo.InvariantCulture);

    private void Raise(int oldest)
    {
        if (ReadOldestVersion(_writer) >= oldest) return;
        using var command = _writer.CreateCommand();
        command.CommandText = string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version={oldest}");
        command.ExecuteNonQuery();
    }

    private void WriteLoop()
    {
        var batch = new List<Write>(MaxBatch);
        while (_queue.TakeOrWait(out var first))
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < MaxBatch && _queue.TryTake(out var next)) batch.Add(next);
            CommitAll(batch);
            WriteCount += batch.Count;
        }
    }

    private void CommitAll(List<Write> batch)
    {
        var started = TimeProvider.System.GetTimestamp();
        var failure = TryCommit(batch);
        while (IsBusy(failure) && _isDisposed == 0 && TimeProvider.System.GetElapsedTime(started) < s_patience)
        {
            RetryCount++;
            failure = TryCommit(batch);
        }

        if (failure is null)
        {
            batch.ForEach(write => write.Succeed());
        }
        else if (batch.Count == 1 || IsBusy(failure))
        {
            batch.ForEach(write => write.Fail(failure));
        }
        else
        {
            // One of them is at fault: each gets a transaction of its own.
            foreach (var write in batch) CommitAll([write]);
        }
    }

    private Exception? TryCommit(List<Write> batch)
    {
        try
        {
            using var transaction = _writer.BeginTransaction(deferred: false);
            foreach (var write in batch) write.Run(_writer, transaction);
            transaction.Commit();
            CommitCount++;
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    /// <summary>Another process writes; nothing of ours was.</summary>
    private static bool IsBusy(Exception? failure) => failure is SqliteException { SqliteErrorCode: 5 or 6 }; // SQLITE_BUSY, SQLITE_LOCKED

    private abstract class Write
    {
        public abstract void Run(SqliteConnection connection, SqliteTransaction transaction);
        public abstract void Succeed();
        public abstract void Fail(Exception failure);
    }

    private sealed class Write<T>(Func<SqliteConnection, SqliteTransaction, T> work) : Write
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Task => _done.Task;
        public override void Run(SqliteConnection connection, SqliteTransaction transaction) => _result = work(connection, transaction);
        public override void Succeed() => _done.SetResult(_result!);
        public override void Fail(Exception failure) => _done.SetException(failure);
    }
}
