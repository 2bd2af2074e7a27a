using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Emu3.Inference;

namespace Emu3.Tests.Fakes;

/// <summary>
/// An engine without a model: tokens are a function of (seed, sample, index), with slots, speed and failures as the test wants them.
/// What a request brings along is checked, so that a resumed item proves itself.
/// </summary>
internal sealed class FakeEngine(FakeEngineOptions? options = null) : IEngine
{
    private readonly FakeEngineOptions _options = options ?? new();
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _slots = new((options ?? new()).SlotCount);
    private int _running;
    private int _waiting;
    private long _generated;
    private int _isDisposed;

    /// <summary>Requests that began with tokens of an earlier run.</summary>
    public int ResumedCount;

    /// <summary>Requests that came to their end, by the name they had in logs.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, int> Finished { get; } = new();

    /// <summary>The most requests that ran at once.</summary>
    public int MostRunning;

    public ModelFacts Model { get; } = new()
    {
        Name = "fake",
        WeightsHash = new string('f', 64),
        CanDraw = true,
        CanChat = true,
        SpatialFactor = 8,
        ImageArea = 64 * 64,
        MaxPositions = 4096,
        CodebookSize = 1024,
        ImageDefaults = new ImageDefaults(3, new SamplingSettings(1, 2048, 1), "ugly", ""),
    };

    public NumericClass NumericClass => new(_options.NumericClass, RowInvariant: true);

    public EngineLoad Load => new(_options.SlotCount, _slots.CurrentCount, _running, _waiting, 0, Interlocked.Read(ref _generated));

    /// <summary>The token at an index, whoever generates it.</summary>
    public static int TokenAt(ulong seed, uint sample, int index) => (int)((((seed * 6364136223846793005UL) + sample + ((ulong)index * 1442695040888963407UL)) >> 33) % 32768);

    public Measurement Measure(GenerationRequest request) =>
        request is ImageRequest { Prompt: "too long" } or ChatRequest { MaxNewTokens: > 4000 }
            ? new(5000, 5000, new EngineFailure(EngineFailureCode.PromptTooLong, "The prompt has 5000 tokens; 4096 positions are all there are."))
            : new(7, 7 + TokenCountOf(request), null);

    public async IAsyncEnumerable<EngineEvent> Run(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Measure(request).Failure is { } failure)
        {
            yield return new EngineEvent.Failed(failure);
            yield break;
        }

        for (var index = 0; index < request.Generated.Count; index++)
        {
            if (request.Generated[index] == TokenAt(request.Seed, request.SampleIndex, index)) continue;
            yield return new EngineEvent.Failed(new EngineFailure(EngineFailureCode.ResumeNotPossible, $"Token {index} is not the one that this request gives."));
            yield break;
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        Interlocked.Increment(ref _waiting);
        var slots = request is ImageRequest { GuidanceScale: not 1 } ? 2 : 1;
        await TakeSlotsAsync(slots, ending.Token, cancellationToken);
        Interlocked.Decrement(ref _waiting);
        var running = Interlocked.Increment(ref _running);
        InterlockedMax(ref MostRunning, running);
        try
        {
            if (request.Generated.Count > 0) Interlocked.Increment(ref ResumedCount);
            yield return new EngineEvent.Admitted(7);
            var count = TokenCountOf(request);
            for (var at = request.Generated.Count; at < count;)
            {
                if (_options.TimePerToken > TimeSpan.Zero) await DelayAsync(ending.Token, cancellationToken);
                ThrowIfEnded(cancellationToken);
                _options.OnToken?.Invoke(request, at);
                var ids = Enumerable.Range(at, Math.Min(_options.TokensInStep, count - at)).Select(index => TokenAt(request.Seed, request.SampleIndex, index)).ToArray();
                yield return new EngineEvent.TokensGenerated(at, ids, request is ChatRequest ? [.. ids.Select((_, place) => $"w{at + place} ")] : null);
                at += ids.Length;
                Interlocked.Add(ref _generated, ids.Length);
            }

            if (request is ImageRequest image)
            {
                var (width, height) = (image.LatentWidth * Model.SpatialFactor, image.LatentHeight * Model.SpatialFactor);
                var rgb = new byte[3 * width * height];
                for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)TokenAt(request.Seed, request.SampleIndex, i / 192);
                yield return new EngineEvent.PictureDecoded(width, height, rgb);
            }

            Finished.AddOrUpdate(request.Id, 1, (_, times) => times + 1);
            yield return new EngineEvent.Finished(request is ChatRequest ? FinishReason.Length : FinishReason.Stop, new TokenUsage(7, 0, count));
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            _slots.Release(slots);
        }
    }

    /// <summary>The device is lost: everything that runs ends with <see cref="EngineStoppedException"/>.</summary>
    public void Crash() => _ended.Cancel();

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) _ended.Cancel();
        return ValueTask.CompletedTask;
    }

    private static int TokenCountOf(GenerationRequest request) => request switch
    {
        ImageRequest image => ((image.LatentWidth + 1) * image.LatentHeight) + 3,
        ChatRequest chat => chat.MaxNewTokens,
        _ => throw new ArgumentException("unknown request", nameof(request)),
    };

    private readonly Channel<bool> _admission = CreateAdmission();

    private static Channel<bool> CreateAdmission()
    {
        var channel = Channel.CreateBounded<bool>(1);
        channel.Writer.TryWrite(true);
        return channel;
    }

    /// <summary>Both slots of a guided picture at once, first come first served.</summary>
    private async Task TakeSlotsAsync(int slots, CancellationToken ending, CancellationToken cancellationToken)
    {
        try
        {
            await _admission.Reader.ReadAsync(ending);
            try
            {
                for (var taken = 0; taken < slots; taken++)
                {
                    try
                    {
                        await _slots.WaitAsync(ending);
                    }
                    catch (OperationCanceledException)
                    {
                        if (taken > 0) _slots.Release(taken);
                        throw;
                    }
                }
            }
            finally
            {
                _admission.Writer.TryWrite(true);
            }
        }
        catch (OperationCanceledException)
        {
            Interlocked.Decrement(ref _waiting);
            ThrowIfEnded(cancellationToken);
            throw;
        }
    }

    private async Task DelayAsync(CancellationToken ending, CancellationToken cancellationToken)
    {
        await Task.Delay(_options.TimePerToken * _options.TokensInStep, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ThrowIfEnded(cancellationToken);
    }

    private void ThrowIfEnded(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_ended.IsCancellationRequested) throw new EngineStoppedException("The engine has ended.");
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
            if (Interlocked.CompareExchange(ref target, value, seen) == seen) return;
    }
}

/// <summary>How a <see cref="FakeEngine"/> behaves.</summary>
internal sealed record FakeEngineOptions
{
    public int SlotCount { get; init; } = 16;
    public TimeSpan TimePerToken { get; init; } = TimeSpan.Zero;
    public int TokensInStep { get; init; } = 8;
    public string NumericClass { get; init; } = "fake class";

    /// <summary>Called before each step with the request and the next index: throws to break an item, crashes something to break more.</summary>
    public Action<GenerationRequest, int>? OnToken { get; init; }
}
