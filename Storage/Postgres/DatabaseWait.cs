using System.Globalization;
using Npgsql;

namespace Emu3.Storage.Postgres;

/// <summary>
/// Waits for a database that is not ready yet: a server that starts, that has not made the database, or whose tables nobody has made. The parts of a cluster
/// may so be started in any order.
/// </summary>
/// <param name="patience">How long, over all. None: the first refusal counts.</param>
/// <param name="time">A clock.</param>
/// <param name="tell">Gets a line for a person: at once what is waited for, when that becomes something else, and every half a minute.</param>
public sealed class DatabaseWait(TimeSpan patience, TimeProvider time, Action<string> tell)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_tellPeriod = TimeSpan.FromSeconds(30);

    private (string Kind, long At)? _told;

    /// <summary>Tries until it succeeds.</summary>
    /// <param name="database">The database.</param>
    /// <param name="work">What to do with it. Repeated as a whole.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DatabaseException">It was not ready in time, or refuses for a reason that waiting does not mend.</exception>
    public async Task<T> UntilAsync<T>(NpgsqlDataSource database, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        for (var started = time.GetTimestamp(); ;)
        {
            Exception refusal;
            try
            {
                return await work();
            }
            catch (Exception notYet) when (IsPassing(notYet))
            {
                refusal = notYet;
            }
            catch (NpgsqlException failure)
            {
                throw new DatabaseException($"The {PostgresConnection.Describe(database.ConnectionString)} can't be used: {Reason(failure)}", failure);
            }

            var waited = time.GetElapsedTime(started);
            var problem = refusal is NpgsqlException silent ? $"The {PostgresConnection.Describe(database.ConnectionString)} {Verb(silent)}: {Reason(silent)}" : refusal.Message;
            if (waited >= patience) throw new DatabaseException(patience > TimeSpan.Zero ? $"{problem} It was waited for {Seconds(waited)}." : problem, refusal);
            Tell(refusal.GetType().Name + (refusal as NpgsqlException)?.SqlState, problem, waited);
            await Task.Delay(s_look, time, cancellationToken);
        }
    }

    /// <summary>Whether it may be otherwise a little later, without anybody changing a setting.</summary>
    private static bool IsPassing(Exception refusal) =>
        refusal is SchemaMissingException or NpgsqlException { IsTransient: true } or PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName };

    private static string Verb(NpgsqlException refusal) => refusal is PostgresException ? "is not ready" : "does not answer";

    private void Tell(string kind, string problem, TimeSpan waited)
    {
        if (_told is { } told && told.Kind == kind && time.GetElapsedTime(told.At) < s_tellPeriod) return;
        tell($"{problem} {(_told is null ? "" : $"Waited {Seconds(waited)} so far. ")}It is tried again every {Seconds(s_look)}, for {Seconds(patience)} in all.");
        _told = (kind, time.GetTimestamp());
    }

    /// <summary>The driver says that it failed, and the exception within it why.</summary>
    private static string Reason(NpgsqlException failure)
    {
        var text = failure.InnerException is { } cause ? $"{failure.Message.TrimEnd('.')}: {cause.Message}" : failure.Message;
        return text.EndsWith('.') ? text : text + ".";
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");
}
