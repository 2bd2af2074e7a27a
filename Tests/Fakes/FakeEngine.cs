using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Emu3.Inference;
using Emu3.Inference.Simulation;

namespace Emu3.Tests.Fakes;

/// <summary>A <see cref="SimulatedEngine"/> that counts what it does, refuses and breaks where a test wants it.</summary>
internal sealed class FakeEngine(FakeEngineOptions? options = null) : IEngine
{
    private readonly FakeEngineOptions _options = options ?? new();
    private readonly SimulatedEngine _engine = (options ?? new()).Create();
    private int _running;

    /// <summary>Requests that began with tokens of an earlier run.</summary>
    public int ResumedCount;

    /// <summary>The most requests that ran at once.</summary>
    public int MaxRunning;

    /// <summary>Requests that came to their end, by the name they had in logs.</summary>
    public ConcurrentDictionary<string, int> Finished { get; } = new();

    public ModelFacts Model => _engine.Model;
    public NumericClass NumericClass => _engine.NumericClass;
    public EngineLoad Load => _engine.Load;

    /// <summary>The token at an index, whoever generates it.</summary>
    public static int TokenAt(ulong seed, uint sample, int index) => SimulatedTokens.TokenAt(seed, sample, index);

    public Measurement Measure(GenerationRequest request) => request switch
    {
        ImageRequest { Prompt: "too long" } => new(5000, 5000, new EngineFailure(EngineFailureCode.PromptTooLong, "The prompt has 5000 tokens; 4096 positions are all there are.")),
        ImageRequest { Prompt: "beyond measure" } => throw new ArgumentException("A library refuses this text."),
        _ => _engine.Measure(request),
    };

    public async IAsyncEnumerable<EngineEvent> Run(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Measure(request).Failure is { } failure)
        {
            yield return new EngineEvent.Failed(failure);
            yield break;
        }

        var isRunning = false;
        try
        {
            await foreach (var happened in _engine.Run(request, cancellationToken))
            {
                if (happened is EngineEvent.Admitted)
                {
                    isRunning = true;
                    InterlockedMax(ref MaxRunning, Interlocked.Increment(ref _running));
                    if (request.Generated.Count > 0) Interlocked.Increment(ref ResumedCount);
                }

                if (happened is EngineEvent.TokensGenerated tokens) _options.OnToken?.Invoke(request, tokens.Offset);
                if (happened is EngineEvent.Finished) Finished.AddOrUpdate(request.Id, 1, (_, times) => times + 1);
                yield return happened is EngineEvent.TokensGenerated told && _options.Corrupt is { } corrupt
                    ? told with { Ids = [.. told.Ids.Select((token, place) => corrupt(request, told.Offset + place, token))] }
                    : happened;
            }
        }
        finally
        {
            if (isRunning) Interlocked.Decrement(ref _running);
        }
    }

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

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
    public string WeightsHash { get; init; } = new('f', 64);

    /// <summary>A device that computes wrongly: from request, index and token to the token that it gives instead.</summary>
    public Func<GenerationRequest, int, int, int>? Corrupt { get; init; }

    /// <summary>Called before the tokens of a step are told, with the request and the first one's index: throws to break an item, crashes something to break more.</summary>
    public Action<GenerationRequest, int>? OnToken { get; init; }

    public SimulatedEngine Create() => new(
        new EngineOptions { Kind = EngineOptions.Simulated, Model = "fake" },
        new SimulationOptions
        {
            SlotCount = SlotCount,
            TimePerToken = TimePerToken,
            StepTokens = TokensInStep,
            NumericClass = NumericClass,
            WeightsHash = WeightsHash,
            MaxPositions = 4096,
        },
        TimeProvider.System);
}
