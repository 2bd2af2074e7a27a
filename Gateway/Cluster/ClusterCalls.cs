using System.Runtime.CompilerServices;
using Orleans.Runtime.Messaging;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// Calls of grains, repeated where a silo died under them: a client learns that only from a timeout. Everything that the gateway calls is idempotent.
/// </summary>
internal sealed class ClusterCalls(IClusterClient client, TimeProvider time)
{
    /// <summary>Waits between attempts; with Orleans' own 10 s a call, longer than a silo takes to be declared dead.</summary>
    private static readonly TimeSpan[] s_waits = [TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)];

    public IGrainFactory Grains => client;

    public TimeProvider Time => time;

    /// <summary>Whether the same call may do better a little later.</summary>
    public static bool IsTransient(Exception exception) =>
        exception is TimeoutException or OrleansException or ConnectionFailedException;

    /// <summary>A cancellation that the caller did not ask for comes from a silo that goes down.</summary>
    public static bool IsTransient(Exception exception, CancellationToken cancellationToken) =>
        IsTransient(exception) || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested;

    public async Task<T> Repeat<T>(Func<IGrainFactory, Task<T>> call, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await call(client).WaitAsync(cancellationToken);
            }
            catch (Exception exception) when (attempt < s_waits.Length && IsTransient(exception, cancellationToken))
            {
                await Task.Delay(s_waits[attempt], time, cancellationToken);
            }
        }
    }

    public Task Repeat(Func<IGrainFactory, Task> call, CancellationToken cancellationToken) => Repeat(async grains =>
    {
        await call(grains);
        return true;
    }, cancellationToken);

    /// <summary>
    /// Enumerates over interruptions: after each the source is opened again where it stood. Ends when the source ends, throws what does not pass,
    /// and gives up after a minute without any element between interruptions.
    /// </summary>
    /// <param name="open">Opens the source behind everything that was returned so far.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<T> Resume<T>(
        Func<IGrainFactory, IAsyncEnumerable<T>> open, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var lastHeard = time.GetTimestamp(); ;)
        {
            await using (var elements = open(client).WithCancellation(cancellationToken).GetAsyncEnumerator())
            {
                while (true)
                {
                    try
                    {
                        if (!await elements.MoveNextAsync()) yield break;
                    }
                    catch (Exception exception) when (IsTransient(exception, cancellationToken) && time.GetElapsedTime(lastHeard) < s_patience)
                    {
                        break;
                    }
                    lastHeard = time.GetTimestamp();
                    yield return elements.Current;
                }
            }
            await Task.Delay(s_waits[0], time, cancellationToken);
        }
    }

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
}
