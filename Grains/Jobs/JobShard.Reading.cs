using System.Runtime.CompilerServices;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>What readers get: outcomes in their order, single items, tokens as they come.</summary>
public sealed partial class JobShard
{
    private const int MaxMessageBytes = 512 * 1024;
    private const int TokensInChunk = 1024;
    private readonly Dictionary<int, TokenBuffer> _buffers = [];

    public Task<int> Push(WorkerId worker, int item, TokenChunk chunk)
    {
        if (!_items.Holds(worker, item - _first, chunk.Epoch)) return Task.FromResult(-1);
        var buffer = Buffer(item - _first);
        var before = buffer.RewindCount;
        var count = buffer.Append(chunk);
        if (buffer.RewindCount > before) _metrics.ItemRewound(buffer.RewindCount - before);
        return Task.FromResult(count);
    }

    public Task<IReadOnlyList<ItemOutcome>> ReadOutcomes(int from, int most)
    {
        var outcomes = _items.Durable.Outcomes;
        var count = Math.Clamp(Math.Min(most, outcomes.Length - from), 0, MaxInMessage());
        return Task.FromResult<IReadOnlyList<ItemOutcome>>([.. Enumerable.Range(from, count).Select(place => Outcome(outcomes[place]))]);
    }

    public Task<ItemsUsage> GetUsage()
    {
        var sum = default(ItemsUsage);
        foreach (var outcome in _items.Durable.Outcomes)
            if (outcome.Result is { } result) sum += ItemsUsage.Of(_specs.Durable.Items[outcome.Item], result); // done is final: once an item
        return Task.FromResult(sum);
    }

    public Task<ItemOutcome?> GetItem(int item)
    {
        var local = item - _first;
        return Task.FromResult((uint)local < (uint)_items.Durable.Items.Length ? Item(local) : null);
    }

    public Task<IReadOnlyList<ItemOutcome>> ReadItems(int from, int most, ItemStatus? only)
    {
        var items = _items.Durable.Items;
        var start = Math.Max(0, from - _first);
        return Task.FromResult<IReadOnlyList<ItemOutcome>>([.. Enumerable.Range(start, Math.Max(0, items.Length - start))
            .Where(item => only is null || items[item].Status == only).Take(Math.Min(most, MaxInMessage())).Select(Item)]);
    }

    public Task<IReadOnlyList<ItemView>> GetItemViews()
    {
        var state = _items.Durable;
        return Task.FromResult<IReadOnlyList<ItemView>>([.. Enumerable.Range(0, state.Items.Length).Where(item => !state.Items[item].HasEnded).Select(Standing)]);

        ItemView Standing(int item)
        {
            var (told, heard) = (state.Items[item], _items.StandingOf(item));
            return new()
            {
                Item = _first + item,
                Status = told.Status,
                Holder = told.Holder is { } holder ? new WorkerId(holder) : null,
                Epoch = told.Epoch,
                Suspicion = told.Suspicion,
                RunsAlone = told.RunsAlone,
                HeardAgo = heard?.HeardAgo,
                TokenCount = heard?.TokenCount ?? 0,
            };
        }
    }

    public async IAsyncEnumerable<TokenChunk> ReadTokens(int item, int from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var local = item - _first;
        if ((uint)local >= (uint)_items.Durable.Items.Length) yield break;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _life.Stopping, _gone.Token);
        var buffer = Buffer(local);
        if (HasEnded(local) && !buffer.IsEnded) buffer.End(null);
        buffer.ReaderCount++;
        KeepTime();
        _reporter.Report();
        try
        {
            var reader = new TokenBuffer.Reader(buffer, from);
            while (true)
            {
                var changed = buffer.Changed;
                while (reader.Next(TokensInChunk) is { } chunk) yield return chunk;
                if (buffer.IsEnded) yield break;
                await changed.WaitAsync(ending.Token);
            }
        }
        finally
        {
            buffer.ReaderCount--;
        }
    }

    /// <summary>An item has ended with so many tokens.</summary>
    private void EndBuffer(int item, int? tokenCount)
    {
        if (_buffers.TryGetValue(item, out var buffer)) buffer.End(tokenCount);
    }

    /// <summary>Readers of cancelled items wait for nothing; an item that was begun anew gets a buffer of its own.</summary>
    private void EndBuffers()
    {
        foreach (var (item, buffer) in _buffers.ToList())
        {
            if (HasEnded(item)) buffer.End(null);
            else if (buffer.IsEnded) _buffers.Remove(item);
        }
    }

    /// <summary>Tokens of what has ended are kept as long as someone reads them.</summary>
    private void ForgetBuffers()
    {
        foreach (var (item, buffer) in _buffers.ToList())
            if (buffer is { IsEnded: true, ReaderCount: 0 } && !IsInteractive) _buffers.Remove(item);
    }

    /// <summary>An item as it stands.</summary>
    private ItemOutcome Item(int item) => _items.Durable.LastOutcomeOf(item) is { } ended
        ? Outcome(ended)
        : new() { Item = _first + item, Status = _items.Durable.Items[item].Status, Spec = _specs.Durable.Items[item] };

    private ItemOutcome Outcome(ShardOutcome outcome) => new()
    {
        Item = _first + outcome.Item,
        Status = outcome.Status,
        Spec = _specs.Durable.Items[outcome.Item],
        Result = outcome.Result,
        Failure = outcome.Failure,
    };

    /// <summary>Items that surely fit one message, judged by the largest.</summary>
    private int MaxInMessage()
    {
        var largest = 512 + _specs.Durable.Items.Select(SpecBytes).DefaultIfEmpty().Max();
        return Math.Max(1, MaxMessageBytes / largest);
    }

    private static int SpecBytes(ItemSpec spec) => 3 * (
        (spec.Image?.Prompt.Length ?? 0) + (spec.Image?.NegativePrompt.Length ?? 0)
        + (spec.Chat?.Turns.Sum(turn => turn.Parts.Sum(part => (part.Text ?? part.PictureBlob ?? "").Length + 16)) ?? 0)
        + (spec.Chat?.Stop?.Sum(stop => stop.Length + 16) ?? 0));

    private TokenBuffer Buffer(int item) => _buffers.TryGetValue(item, out var buffer) ? buffer : _buffers[item] = new TokenBuffer();
    private bool IsWatched(int item) => _buffers.TryGetValue(item, out var buffer) && buffer.ReaderCount > 0;
    private bool HasEnded(int item) => _items.Durable.Items[item].HasEnded;
}
