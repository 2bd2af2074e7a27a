using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Vision;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>Real engines on small checkpoints. One thread: the tests' own threads keep the cores busy, and all engines of a process must agree on it.</summary>
internal static class TestEngines
{
    public const int Threads = 1;

    public static string TinyA => Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "checkpoint");
    public static string TinyB => Repository.PathTo("Tests", "Golden", "fixtures", "tiny-b", "checkpoint");
    public static string Trained => Repository.PathTo("models", "emu3-tiny");

    public static async Task<Emu3Engine> LoadAsync(
        string model, Action<EngineOptions>? configure = null, Func<IVisionTokenizer, IVisionTokenizer>? wrap = null)
    {
        var options = new EngineOptions { Model = model, Threads = Threads, SlotCount = 8 };
        configure?.Invoke(options);
        return await Emu3Engine.LoadAsync(
            options, NullLoggerFactory.Instance, new Meters(), wrap ?? (vision => vision), progress: null, TestContext.Current.CancellationToken);
    }

    public static ImageRequest Image(int height = 3, int width = 4, ulong seed = 1, double guidance = 1, string prompt = "a red star", int[]? generated = null) => new()
    {
        Id = "test",
        Prompt = prompt,
        NegativePrompt = "blurry",
        GuidanceScale = guidance,
        LatentHeight = height,
        LatentWidth = width,
        Sampling = new SamplingSettings(1, 0, 1),
        Seed = seed,
        Generated = generated ?? [],
    };

    public static ChatRequest Chat(string question, int maxNewTokens = 24, params byte[][] pictures) => new()
    {
        Id = "test",
        Messages = [new ChatMessage(ChatRole.User, [.. pictures.Select(file => new ChatPart.Picture(file)), new ChatPart.Text(question)])],
        MaxNewTokens = maxNewTokens,
        Sampling = SamplingSettings.Greedy,
        Seed = 0,
    };

    public static async Task<List<EngineEvent>> AllAsync(this IEngine engine, GenerationRequest request)
    {
        List<EngineEvent> events = [];
        await foreach (var @event in engine.Run(request, TestContext.Current.CancellationToken))
            events.Add(@event);
        return events;
    }

    /// <summary>Generated tokens, without those that the request brought.</summary>
    public static int[] Ids(this IEnumerable<EngineEvent> events) => [.. events.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Ids)];

    public static string Text(this IEnumerable<EngineEvent> events) =>
        string.Concat(events.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces ?? []));

    private sealed class Meters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);
        public void Dispose() { }
    }
}
