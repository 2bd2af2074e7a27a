using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Workers;

/// <summary>One leased item on its way through a worker: what it has so far, seen by the pull loop, the heartbeat and the pusher.</summary>
public sealed class ItemRun(JobId job, Lease lease, LeaseGrant grant, IJobShard home) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<int> _tokens = [];
    private readonly List<string> _pieces = [];
    private readonly CancellationTokenSource _ending = new();
    private bool _isDisposed;
    private bool _isWatched = lease.IsWatched;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _watched = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public JobId Job { get; } = job;
    public Lease Lease { get; } = lease;

    /// <summary>The shard that leased it. Held, because making a reference anew costs Orleans a look at the interface's attributes.</summary>
    public IJobShard Home { get; } = home;

    public string Tenant { get; } = grant.Tenant;
    public string Model { get; } = grant.Model;
    public string WeightsHash { get; } = grant.WeightsHash;

    /// <summary>See <see cref="JobSpec.TraceParent"/>.</summary>
    public string? TraceParent { get; } = grant.TraceParent;
    public bool IsInteractive { get; } = grant.IsInteractive;
    public int Slots { get; } = SlotBudget.SlotsOf(lease.Spec);

    /// <summary>Tokens that it will have at most. A picture's are known before the first: rows with their ends, and three that close it.</summary>
    public int MaxTokens { get; } = lease.Spec.Image is { } image ? ((image.LatentWidth + 1) * image.LatentHeight) + 3 : lease.Spec.Chat!.MaxNewTokens;
    public int Shard => Lease.Item / JobId.ItemsInShard;
    public string Name => $"{Job}/{Lease.Item}";

    /// <summary>Tokens taken from an earlier lease's resume point.</summary>
    public int ResumedCount { get; private set; }

    /// <summary>Tokens so far.</summary>
    public int TokenCount { get; private set; }

    /// <summary>The engine was told to run it.</summary>
    public bool IsStarted => _started.Task.IsCompleted;

    /// <summary>The engine is done with it, or has generated all: its slots are free.</summary>
    public bool HasFreedSlots { get; set; }

    /// <summary>A picture that runs and lacks less than a tenth of its tokens: another can be fetched, to begin in its slots without a pause.</summary>
    public bool IsNearItsEnd => IsStarted && Lease.Spec.Image is not null && TokenCount >= 0.9 * MaxTokens;

    /// <summary>Someone reads its tokens.</summary>
    public bool IsWatched
    {
        get => _isWatched;
        set
        {
            _isWatched = value;
            if (value) _watched.TrySetResult();
        }
    }

    /// <summary>Completes when someone reads its tokens for the first time.</summary>
    public Task Watched => Lease.IsWatched ? Task.CompletedTask : _watched.Task;

    /// <summary>The worker gives it back: what was generated is kept for another lease.</summary>
    public bool IsGivenBack { get; private set; }

    /// <summary>What its shard has recorded of it; null before.</summary>
    public ItemResult? Result { get; set; }

    /// <summary>Completes when the pull loop lets it start.</summary>
    public Task Started => _started.Task;

    /// <summary>Cancelled when the engine shall stop: the lease is no more, or the item is given back.</summary>
    public CancellationToken Ending => _ending.Token;

    public HeldItem Held => new(Lease.Item, Lease.Epoch, TokenCount, ResumedCount, !IsStarted);

    public void Start() => _started.TrySetResult();

    /// <summary>The lease is no more.</summary>
    public void Drop() => EndEngine();

    /// <summary>The worker drains.</summary>
    public void GiveBack()
    {
        IsGivenBack = true;
        EndEngine();
    }

    /// <summary>Begins with what an earlier lease left; with nothing, it begins anew.</summary>
    public void Begin(ResumePoint? resumePoint)
    {
        lock (_lock)
        {
            _tokens.Clear();
            _pieces.Clear();
            _tokens.AddRange(resumePoint?.Tokens ?? []);
            _pieces.AddRange(resumePoint?.Pieces ?? []);
            ResumedCount = TokenCount = _tokens.Count;
        }
    }

    public void Append(int[] tokens, string[]? pieces)
    {
        lock (_lock)
        {
            _tokens.AddRange(tokens);
            _pieces.AddRange(pieces ?? []);
            TokenCount = _tokens.Count;
        }
    }

    /// <summary>Tokens from one index on.</summary>
    public TokenChunk ChunkFrom(int offset, int most)
    {
        lock (_lock)
        {
            var count = Math.Clamp(_tokens.Count - offset, 0, most);
            return new()
            {
                Epoch = Lease.Epoch,
                Offset = offset,
                Tokens = [.. _tokens.GetRange(offset, count)],
                Pieces = Lease.Spec.Chat is null ? null : [.. _pieces.GetRange(offset, count)],
            };
        }
    }

    public ResumePoint ToResumePoint()
    {
        lock (_lock) return new([.. _tokens], Lease.Spec.Chat is null ? null : [.. _pieces]);
    }

    public void Dispose()
    {
        lock (_ending)
        {
            _isDisposed = true;
            _ending.Dispose();
        }
    }

    private void EndEngine()
    {
        lock (_ending)
        {
            // What waits on the token must not run under the lock.
            if (!_isDisposed) _ = _ending.CancelAsync();
        }
    }
}
