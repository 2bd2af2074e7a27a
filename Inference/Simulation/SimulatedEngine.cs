using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Emu3.Inference.Tokens;

namespace Emu3.Inference.Simulation;

/// <summary>
/// An engine without a model, behind the same door as the real one: slots, queue, steps and pictures take their time and nothing else, so that a cluster
/// can be run at sizes that a machine has no devices for. It has no thread of its own and sleeps between steps; a thousand fit one process.
/// What a request brings along is compared with what it would have generated: a cluster that mixes tokens up is found out.
/// </summary>
public sealed class SimulatedEngine : IEngine
{
    private const int LoadSteps = 10; // in which the time until it is ready passes
    private const int PromptFrame = 6; // begin of sequence and what frames a picture's size

    private readonly SimulationOptions _options;
    private readonly TimeProvider _time;
    private readonly SlotQueue _slots;
    private readonly SlotQueue _decoder = new(1);
    private readonly CancellationTokenSource _ended = new();
    private long _stepCount;
    private long _generatedTokenCount;

    public SimulatedEngine(EngineOptions engine, SimulationOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _slots = new(engine.SlotCount > 0 ? engine.SlotCount : options.SlotCount);
        var name = engine.ModelName;
        var weights = options.WeightsHash ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"simulated model {name}")));
        Model = new()
        {
            Name = name,
            WeightsHash = weights,
            CanDraw = options.CanDraw && engine.Serves(EngineOptions.Images),
            CanChat = options.CanChat && engine.Serves(EngineOptions.Chat),
            SpatialFactor = options.SpatialFactor,
            ImageArea = options.ImageArea,
            MaxPositions = options.MaxPositions,
            CodebookSize = options.CodebookSize,
            ImageDefaults = new(GuidanceScale: 3, new SamplingSettings(1, 2048, 1), NegativePrompt: "", PromptSuffix: ""),
        };
        NumericClass = new(options.NumericClass ?? $"simulated; weights {weights}", RowInvariant: true);
    }

    public ModelFacts Model { get; }
    public NumericClass NumericClass { get; }

    public EngineLoad Load => new(
        _slots.Count, _slots.FreeCount, _slots.AdmittedCount, _slots.WaitingCount, Interlocked.Read(ref _stepCount), Interlocked.Read(ref _generatedTokenCount));

    /// <summary>Takes the time that <see cref="SimulationOptions.LoadTime"/> says.</summary>
    public static async Task<IEngine> LoadAsync(
        EngineOptions engine, SimulationOptions options, TimeProvider time, IProgress<LoadStage>? progress = null, CancellationToken cancellationToken = default)
    {
        var simulated = new SimulatedEngine(engine, options, time);
        for (var step = 0; step < LoadSteps; step++)
        {
            progress?.Report(new("loading weights that there are not", step / (double)LoadSteps, simulated.Model));
            await Task.Delay(options.LoadTime / LoadSteps, time, cancellationToken);
        }

        return simulated;
    }

    /// <summary>A token for each word.</summary>
    public Measurement Measure(GenerationRequest request)
    {
        var prompt = PromptTokens(request);
        var positions = prompt + (long)SimulatedTokens.CountOf(request);
        return request switch
        {
            ImageRequest when !Model.CanDraw => Refuse(EngineFailureCode.NotSupported, $"The model {Model.Name} can't draw."),
            ChatRequest when !Model.CanChat => Refuse(EngineFailureCode.NotSupported, $"The model {Model.Name} can't answer in text."),
            ImageRequest { LatentHeight: < 1 } or ImageRequest { LatentWidth: < 1 } => Refuse(EngineFailureCode.SizeNotSupported, "A picture has at least 1x1 cells."),
            ChatRequest { MaxNewTokens: < 1 } => Refuse(EngineFailureCode.InvalidSetting, "An answer has at least 1 token."),
            _ when SlotsOf(request) > _slots.Count => Refuse(EngineFailureCode.NotSupported, "Guidance takes two slots and this engine has one."),
            _ when positions > Model.MaxPositions => Refuse(EngineFailureCode.PromptTooLong,
                $"The prompt has {prompt} tokens; with what is to be generated they are {positions}, and {Model.MaxPositions} positions are all there are."),
            _ => new(prompt, (int)positions, null),
        };

        Measurement Refuse(EngineFailureCode code, string message) => new(prompt, (int)Math.Min(positions, int.MaxValue), new EngineFailure(code, message));
    }

    /// <exception cref="InvalidOperationException">The request brought tokens that it does not give: somebody has mixed them up.</exception>
    public async IAsyncEnumerable<EngineEvent> Run(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Measure(request).Failure is { } failure)
        {
            yield return new EngineEvent.Failed(failure);
            yield break;
        }

        RequireOwn(request);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        if (request is ImageRequest { IsPreview: true } preview)
        {
            yield return new EngineEvent.Admitted(PromptTokens(request));
            yield return await DecodeAsync(preview, ending.Token, cancellationToken);
            yield return new EngineEvent.Finished(FinishReason.Stop, new TokenUsage(PromptTokens(request), 0, request.Generated.Count));
            yield break;
        }

        var held = SlotsOf(request);
        await UnlessEndedAsync(_slots.TakeAsync(held, ending.Token), cancellationToken);
        try
        {
            yield return new EngineEvent.Admitted(PromptTokens(request));
            var count = SimulatedTokens.CountOf(request);
            var text = TextOf(request);
            var at = request.Generated.Count;
            while (at < count && text is not { IsStopped: true })
            {
                var step = Math.Min(_options.StepTokens, count - at);
                await UnlessEndedAsync(PassAsync(DurationOf(request, at, step), ending.Token), cancellationToken);
                var tokens = Tokens(request, at, step, text);
                Interlocked.Increment(ref _stepCount);
                Interlocked.Add(ref _generatedTokenCount, tokens.Ids.Length);
                yield return tokens;
                at += tokens.Ids.Length;
            }

            FreeSlots(); // a picture's slots are free while it is decoded
            if (request is ImageRequest image) yield return await DecodeAsync(image, ending.Token, cancellationToken);
            yield return new EngineEvent.Finished(
                text is { IsStopped: false } ? FinishReason.Length : FinishReason.Stop, new TokenUsage(PromptTokens(request), 0, at));
        }
        finally
        {
            FreeSlots();
        }

        void FreeSlots()
        {
            if (held == 0) return;
            _slots.Return(held);
            held = 0;
        }
    }

    /// <summary>Whatever runs ends with <see cref="EngineStoppedException"/>.</summary>
    public async ValueTask DisposeAsync() => await _ended.CancelAsync();

    /// <summary>As many tokens of the step as there are up to the answer's end.</summary>
    private EngineEvent.TokensGenerated Tokens(GenerationRequest request, int from, int count, StopMatcher? text)
    {
        var (ids, pieces) = (new List<int>(count), new List<string>());
        for (var at = from; at < from + count && text is not { IsStopped: true }; at++)
        {
            ids.Add(SimulatedTokens.TokenAt(request.Seed, request.SampleIndex, at, Model.CodebookSize));
            if (text is null) continue;
            pieces.Add(text.Push(SimulatedTokens.PieceAt(at)));
            if (at == SimulatedTokens.CountOf(request) - 1) pieces[^1] += text.Flush();
        }

        return new(from, [.. ids], text is null ? null : [.. pieces]);
    }

    /// <summary>The text of an answer behind the tokens that the request brought; null for a picture.</summary>
    private static StopMatcher? TextOf(GenerationRequest request)
    {
        if (request is not ChatRequest chat) return null;
        var text = new StopMatcher(chat.Stop);
        for (var at = 0; at < request.Generated.Count; at++)
        {
            if (text.IsStopped) throw new InvalidOperationException($"{request.Id} brought {request.Generated.Count} tokens, and its answer ends after {at}.");
            text.Push(SimulatedTokens.PieceAt(at));
        }

        return text;
    }

    private async Task<EngineEvent> DecodeAsync(ImageRequest image, CancellationToken ending, CancellationToken cancellationToken)
    {
        await UnlessEndedAsync(_decoder.TakeAsync(1, ending), cancellationToken);
        try
        {
            await UnlessEndedAsync(PassAsync(_options.DecodeTime, ending), cancellationToken);
            var picture = SimulatedTokens.Draw(image, Model.SpatialFactor, Model.CodebookSize);
            return new EngineEvent.PictureDecoded(picture.Width, picture.Height, picture.Rgb);
        }
        finally
        {
            _decoder.Return(1);
        }
    }

    private void RequireOwn(GenerationRequest request)
    {
        if (request.Generated.Count > SimulatedTokens.CountOf(request))
            throw new InvalidOperationException($"{request.Id} brought {request.Generated.Count} tokens and has {SimulatedTokens.CountOf(request)} in all.");
        for (var index = 0; index < request.Generated.Count; index++)
            if (SimulatedTokens.TokenAt(request.Seed, request.SampleIndex, index, Model.CodebookSize) is var own && request.Generated[index] != own)
                throw new InvalidOperationException($"Token {index} that {request.Id} brought is {request.Generated[index]}, its own is {own}.");
    }

    private TimeSpan DurationOf(GenerationRequest request, int at, int tokens)
    {
        var share = SimulatedTokens.Mix(_options.JitterSeed ^ SimulatedTokens.Mix(request.Seed ^ (ulong)at)) / (double)ulong.MaxValue;
        return _options.TimePerToken * (tokens * (1 + (_options.Jitter * share)));
    }

    private Task PassAsync(TimeSpan duration, CancellationToken ending) => duration > TimeSpan.Zero ? Task.Delay(duration, _time, ending)
        : ending.IsCancellationRequested ? Task.FromCanceled(ending) : Task.CompletedTask;

    private static async Task UnlessEndedAsync(Task task, CancellationToken cancellationToken)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException ended) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EngineStoppedException("The simulated engine was stopped.", ended);
        }
    }

    private static int SlotsOf(GenerationRequest request) => request is ImageRequest { GuidanceScale: not 1 } ? 2 : 1;

    private static int PromptTokens(GenerationRequest request) => PromptFrame + (request switch
    {
        ImageRequest image => WordsOf(image.Prompt),
        ChatRequest chat => chat.Messages.SelectMany(message => message.Parts).Sum(part => part is ChatPart.Text text ? WordsOf(text.Value) : 1),
        _ => 0,
    });

    private static int WordsOf(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
