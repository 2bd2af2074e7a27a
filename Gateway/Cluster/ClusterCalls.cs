using System.Data.Common;
using System.Runtime.CompilerServices;
using Emu3.Grains.Interfaces;
using Orleans.Runtime.Messaging;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// Calls of grains, repeated where a silo died under them: a client learns that only from a timeout. Everything that the gateway calls is idempotent.
/// </summary>
internal sealed class ClusterCalls(IClusterClient client, TimeProvider time)
{
    /// <summary>Waits between attempts; with Orleans' own 10 s a call, longer than a silo takes to be declared dead.</summary>
    private static readonly TimeSpan[] s_waits = [TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)];

    public IDispatcher Dispatcher => Known(() => client.GetGrain<IDispatcher>(0));

    public IDeviceLedger DeviceLedger => Known(() => client.GetGrain<IDeviceLedger>(0));

    public IModelCatalog ModelCatalog => Known(() => client.GetGrain<IModelCatalog>(0));

    public TimeProvider Time => time;

    /// <summary>One of the cluster's grains that text names.</summary>
    public T Grain<T>(string key) where T : IGrainWithStringKey => Known(() => client.GetGrain<T>(key));

    /// <summary>One of the cluster's grains that a number names.</summary>
    public T Grain<T>(long key) where T : IGrainWithIntegerKey => Known(() => client.GetGrain<T>(key));

    /// <summary>Whether the same call may do better a little later.</summary>
    public static bool IsTransient(Exception exception) =>
        exception is TimeoutException or OrleansException or EnumerationAbortedException or ConnectionFailedException or ClusterNotReadyException or StateLostException
        || IsOfTheStore(exception);

    /// <summary>
    /// The cluster's tables could not be read or written: PostgreSQL's driver and SQLite's throw so, and silos hand it on, as it is or inside of an exception of
    /// Orleans' storage.
    /// </summary>
    public static bool IsOfTheStore(Exception? exception) => exception is DbException || (exception is not null && IsOfTheStore(exception.InnerException));

    /// <summary>A cancellation that the caller did not ask for comes from a silo that goes down.</summary>
    public static bool IsTransient(Exception exception, CancellationToken cancellationToken) =>
        IsTransient(exception) || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested;

    public async Task<T> Repeat<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await call().WaitAsync(cancellationToken);
            }
            catch (Exception exception) when (attempt < s_waits.Length && IsTransient(exception, cancellationToken))
            {
                await Task.Delay(s_waits[attempt], time, cancellationToken);
            }
            catch (OperationCanceledException gone) when (!cancellationToken.IsCancellationRequested)
            {
                throw Silent(gone);
            }
        }
    }

    public Task Repeat(Func<Task> call, CancellationToken cancellationToken) => Repeat(async () =>
    {
        await call();
        return true;
    }, cancellationToken);

    /// <summary>
    /// Enumerates over interruptions: after each the source is opened again where it stood. Ends when the source ends, throws what does not pass,
    /// and gives up when for a minute every attempt was interrupted at once.
    /// </summary>
    /// <param name="open">Opens the source behind everything that was returned so far.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<T> Resume<T>(Func<IAsyncEnumerable<T>> open, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long? failingSince = null;
        while (true)
        {
            var opened = time.GetTimestamp();
            var elements = open().GetAsyncEnumerator(cancellationToken);
            try
            {
                while (true)
                {
                    try
                    {
                        if (!await elements.MoveNextAsync()) yield break;
                    }
                    catch (Exception exception) when (IsTransient(exception, cancellationToken))
                    {
                        if (time.GetElapsedTime(opened) > s_wellLived) failingSince = null;
                        failingSince ??= opened;
                        if (time.GetElapsedTime(failingSince.Value) > s_patience)
                        {
                            if (exception is OperationCanceledException gone) throw Silent(gone);
                            throw;
                        }
                        break;
                    }
                    failingSince = null;
                    yield return elements.Current;
                }
            }
            finally
            {
                await Close(elements, cancellationToken);
            }
            await Task.Delay(s_waits[0], time, cancellationToken);
        }
    }

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>Longer than a call to a dead silo takes to time out: an attempt that lived so long had found its source.</summary>
    private static readonly TimeSpan s_wellLived = TimeSpan.FromSeconds(20);

    /// <summary>A cancellation that the caller did not ask for would be taken for one that it did.</summary>
    private static TimeoutException Silent(OperationCanceledException gone) => new("The silos that were asked went down.", gone);

    /// <summary>Tells the source that nobody reads on. One that is gone need not be told.</summary>
    private static async Task Close<T>(IAsyncEnumerator<T> elements, CancellationToken cancellationToken)
    {
        try
        {
            await elements.DisposeAsync();
        }
        catch (Exception exception) when (IsTransient(exception, cancellationToken) || exception is OperationCanceledException)
        {
            return;
        }
    }

    /// <summary>A client knows a cluster's grains only once it is connected; before, and where no control silo is up, it throws as for a bug.</summary>
    private static T Known<T>(Func<T> find)
    {
        try
        {
            return find();
        }
        catch (ArgumentException unknown)
        {
            throw new ClusterNotReadyException("The gateway has no connection to the cluster yet.", unknown);
        }
    }
}

/// <summary>The cluster is not there yet, or the part of it that is there has no jobs.</summary>
internal sealed class ClusterNotReadyException(string message, Exception cause) : Exception(message, cause);
