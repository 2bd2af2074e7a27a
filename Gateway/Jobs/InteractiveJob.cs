using System.Runtime.CompilerServices;
using System.Text;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Jobs;

/// <summary>A job of one item (or its samples) that lives as long as somebody waits for it; where its request has a key, until the cluster removes it.</summary>
/// <param name="cluster">Where it runs.</param>
/// <param name="reader">Of the caller.</param>
/// <param name="blobs">Where its files are.</param>
/// <param name="job">As it was when it was begun or found.</param>
/// <param name="workers">Of its model, at that time.</param>
/// <param name="first">The first sample, with nothing left open.</param>
internal sealed class InteractiveJob(
    ClusterCalls cluster, JobReader reader, IBlobStore blobs, JobSnapshot job, IReadOnlyList<WorkerInfo> workers, ItemSpec first) : IAsyncDisposable
{
    private readonly JobId id = job.Id;
    private bool _hasEnded;

    public JobId Id => id;

    /// <summary>All that was resolved when it was accepted.</summary>
    public JobSpec Spec => job.Spec;

    /// <summary>Those of its model, as they were when it was begun or found.</summary>
    public IReadOnlyList<WorkerInfo> Workers => workers;

    /// <summary>The first sample, with nothing left open.</summary>
    public ItemSpec First => first;

    /// <summary>The files stay where they are when nobody waits any more, until the cluster removes the job by itself.</summary>
    public bool IsKept { get; set; }

    /// <summary>The client may come again for it: its request has a key.</summary>
    private bool IsNamed => Spec.RequestKey is not null;

    /// <summary>Waits for all samples; they come in the order of their numbers.</summary>
    public async Task<IReadOnlyList<ItemOutcome>> Wait(CancellationToken cancellationToken)
    {
        var outcomes = new List<ItemOutcome>();
        await foreach (var happened in JobWatch.Events(cluster, id, JobCursor.Start, cancellationToken))
        {
            if (happened.Outcome is { } outcome) outcomes.Add(outcome);
            if (!happened.IsLast) continue;
            _hasEnded = true;
            return [.. outcomes.OrderBy(outcome => outcome.Item)];
        }
        throw new InvalidOperationException($"The events of job {id} ended before the job.");
    }

    /// <summary>The file that a sample gave.</summary>
    public async Task<byte[]> Read(ItemOutcome outcome, CancellationToken cancellationToken) =>
        await blobs.ReadAsync(JobReader.KeyOf(outcome, job), cancellationToken)
        ?? throw new InvalidOperationException($"Item {outcome.Item} of job {id} is done and its file is not there.");

    /// <summary>
    /// The tokens of the first sample while they are generated: each time all that there are. Ends with the item; tokens that were generated before anyone
    /// watched may be missing at the end.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<int>> ReadTokens([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var tokens = new List<int>();
        var shard = id.Shard(0);
        while (true)
        {
            await foreach (var chunk in cluster.Resume(() => cluster.Grain<IJobShard>(shard).ReadTokens(0, tokens.Count, CancellationToken.None), cancellationToken))
            {
                if (chunk.Offset > tokens.Count) yield break; // a part is gone
                tokens.RemoveRange(chunk.Offset, tokens.Count - chunk.Offset); // what another kind of machine generates anew
                tokens.AddRange(chunk.Tokens);
                yield return tokens;
            }

            if (await reader.FindItem(id, 0, cancellationToken) is not { Status: ItemStatus.Pending or ItemStatus.Running }) yield break;
        }
    }

    /// <summary>
    /// The answer's text while it is written. What was not seen on the way (the answer ended before anyone watched) comes from the file, so that all
    /// pieces together are always the file. <paramref name="atEnd"/> gets the outcome.
    /// </summary>
    public async IAsyncEnumerable<string> ReadText(Action<ItemOutcome> atEnd, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var told = new StringBuilder();
        var offset = 0;
        var shard = id.Shard(0);
        while (true)
        {
            await foreach (var chunk in cluster.Resume(() => cluster.Grain<IJobShard>(shard).ReadTokens(0, offset, CancellationToken.None), cancellationToken))
            {
                if (chunk.IsRewind && chunk.Offset < offset)
                    throw new AnswerChangedException("The answer began anew on another kind of machine and may differ from what was told. Ask again.");
                offset = Math.Max(offset, chunk.Offset + chunk.Tokens.Length);
                var piece = string.Concat(chunk.Pieces ?? []);
                told.Append(piece);
                if (piece.Length > 0) yield return piece;
            }
            var item = await reader.FindItem(id, 0, cancellationToken);
            if (item is null || item.Status is ItemStatus.Pending or ItemStatus.Running) continue; // the shard moved to another silo
            var outcomes = await Wait(cancellationToken);
            if (item.Status == ItemStatus.Done)
            {
                var text = Encoding.UTF8.GetString(await Read(item, cancellationToken));
                if (!text.StartsWith(told.ToString(), StringComparison.Ordinal))
                    throw new AnswerChangedException("The answer differs from what was told of it. Ask again.");
                if (text.Length > told.Length) yield return text[told.Length..];
            }
            atEnd(outcomes[0]);
            yield break;
        }
    }

    /// <summary>Nobody waits any more: what has not ended is cancelled, and nothing is kept; but for a job that its client may come again for.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsNamed) return;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15), cluster.Time);
        try
        {
            if (!_hasEnded) await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Cancel(), patience.Token);
            else if (!IsKept) await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Delete(), patience.Token);
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception) || exception is OperationCanceledException or JobNotFoundException)
        {
            // The cluster cancels what nobody asks for, and removes interactive jobs by itself.
            return;
        }
    }
}

/// <summary>Text that was told already is not what the answer became.</summary>
internal sealed class AnswerChangedException(string message) : Exception(message);
