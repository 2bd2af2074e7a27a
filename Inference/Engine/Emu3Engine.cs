using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using Microsoft.Extensions.Logging;

namespace Emu3.Inference.Engine;

/// <summary>
/// The engine: one thread owns the device and runs the loop; requests come in through a queue and their events go out as plain data.
/// Several engines may live in one process.
/// </summary>
public sealed partial class Emu3Engine : IEngine
{
    private readonly ILogger<Emu3Engine> logger;
    private readonly EngineMetrics metrics;
    private readonly BlockingCollection<Message> inbox = [];
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<RunningRequest> active = [];
    private readonly Dictionary<Sequence, RunningRequest> bySequence = [];
    private LoadedModel loaded = null!;
    private SlotPool slots = null!;
    private BatchScheduler scheduler = null!;
    private IModelRunner runner = null!;
    private PassCosts? costs; // null without parallel decoding
    private Func<GenerationRequest, IDraftSource>? drafts;
    private PictureQueue pictures = null!;
    private RequestChecks checks = null!;
    private bool ownsDevice; // of TorchSharp: an error there may have broken it for all
    private Snapshot snapshot = new(default, 0);
    private long stepCount, generatedTokenCount;
    private Exception? stoppedBy;

    private Emu3Engine(ILogger<Emu3Engine> logger, IMeterFactory meterFactory)
    {
        this.logger = logger;
        metrics = new EngineMetrics(meterFactory, () => Load, () => LiveTensorCount);
    }

    public ModelFacts Model => loaded.Facts;
    public NumericClass NumericClass => loaded.Backend.NumericClass;
    public EngineLoad Load => Volatile.Read(ref snapshot).Load;

    /// <summary>Native tensors of the engine's thread, counted between steps; none where TorchSharp does not compute.</summary>
    public long LiveTensorCount => Volatile.Read(ref snapshot).LiveTensorCount;

    /// <summary>Loads a checkpoint and tests its kernels, on the new engine's own thread.</summary>
    /// <param name="options">Which checkpoint, and where.</param>
    /// <param name="loggerFactory">For the engine's log.</param>
    /// <param name="meterFactory">For its metrics.</param>
    /// <param name="progress">Gets a few words at the start of each stage.</param>
    /// <param name="cancellationToken">Gives up between stages.</param>
    /// <exception cref="CheckpointException">The checkpoint is broken; the message says what.</exception>
    /// <exception cref="InvalidOperationException">The options do not fit the checkpoint or the device.</exception>
    public static async Task<IEngine> LoadAsync(
        EngineOptions options, ILoggerFactory loggerFactory, IMeterFactory meterFactory, IProgress<LoadStage>? progress = null,
        CancellationToken cancellationToken = default) => await LoadAsync(options, loggerFactory, meterFactory, vision => vision, progress, cancellationToken);

    /// <summary>The same for tests, which may put something of their own between the engine and its vision tokenizer.</summary>
    internal static async Task<Emu3Engine> LoadAsync(
        EngineOptions options, ILoggerFactory loggerFactory, IMeterFactory meterFactory, Func<IVisionTokenizer, IVisionTokenizer> wrap,
        IProgress<LoadStage>? progress, CancellationToken cancellationToken)
    {
        var engine = new Emu3Engine(loggerFactory.CreateLogger<Emu3Engine>(), meterFactory);
        new Thread(() => engine.RunThread(options, wrap, progress, cancellationToken), maxStackSize: 16 << 20)
        {
            Name = $"engine {options.Device}",
        }.Start();
        await engine.ready.Task;
        return engine;
    }

    public Measurement Measure(GenerationRequest request) => checks.Measure(request);

    public async IAsyncEnumerable<EngineEvent> Run(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Prepare(request, out var prepared) is { } failure)
        {
            metrics.RequestEnded("failed");
            LogFailed(request.Id, failure.Code, failure.Message);
            yield return new EngineEvent.Failed(failure);
            yield break;
        }
        using var trace = new RequestTrace(Model);
        var running = new RunningRequest(request, prepared!);
        Post(new Message(running, IsCancelled: false));
        try
        {
            using var registration = cancellationToken.Register(() => Post(new Message(running, IsCancelled: true)));
            await foreach (var @event in running.Events.ReadAllAsync(cancellationToken))
            {
                trace.Hear(@event);
                yield return @event;
            }
        }
        finally
        {
            Post(new Message(running, IsCancelled: true)); // a reader that turned away; of a request that is over it changes nothing
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!inbox.IsAddingCompleted)
            inbox.CompleteAdding();
        await ended.Task;
        metrics.Dispose();
    }

    /// <summary>All that needs no device: it takes the caller's time, not the engine's.</summary>
    private EngineFailure? Prepare(GenerationRequest request, out PreparedRequest? prepared)
    {
        prepared = null;
        if (checks.Measure(request).Failure is { } failure)
            return failure;
        try
        {
            prepared = checks.Prepare(request);
            return null;
        }
        catch (PictureException broken)
        {
            return new EngineFailure(EngineFailureCode.PictureNotReadable, broken.Message);
        }
    }

    /// <summary>To the engine's thread; once that has ended, straight back.</summary>
    private void Post(Message message)
    {
        try
        {
            inbox.Add(message);
        }
        catch (InvalidOperationException) when (inbox.IsAddingCompleted)
        {
            message.Request.Stop(Stopped());
        }
    }

    private EngineStoppedException Stopped() => new(
        stoppedBy is null ? "The engine was stopped." : $"The engine stopped: {stoppedBy.Message}", stoppedBy);

    private void RunThread(EngineOptions options, Func<IVisionTokenizer, IVisionTokenizer> wrap, IProgress<LoadStage>? progress, CancellationToken cancellationToken)
    {
        try
        {
            using (loaded = LoadedModel.Load(options, progress, cancellationToken))
            {
                slots = new SlotPool(loaded.Backend.SlotCount);
                (runner, drafts) = (loaded.Backend.Runner, options.Drafts);
                scheduler = new BatchScheduler(slots, options.PrefillChunk, Windows(options, progress));
                ownsDevice = options.RunsOnTorch;
                pictures = StartPictures(wrap(loaded.Backend.Vision), options.PicturesAlwaysBeside);
                checks = new RequestChecks(loaded.Facts, loaded.Config, loaded.Prompts, slots.Count, options.MaxInputPixels);
                LogReady(Model.Name, slots.Count, Model.MaxPositions, NumericClass.Text);
                if (loaded.Backend.SelfTest is { } verdict)
                    LogSelfTest(verdict);
                if (!NumericClass.RowInvariant)
                    LogNotInvariant(NumericClass.Text);
                TakeSnapshot();
                ready.SetResult();
                using (pictures)
                    Loop();
            }
        }
        catch (Exception cause) // whatever it is, those who wait must hear of it
        {
            stoppedBy = cause;
            if (!ready.TrySetException(cause))
                LogStopped(cause, active.Count);
        }
        StopRequests();
        ended.SetResult();
    }

    /// <summary>How windows are chosen. Without row invariance a token could depend on its window, so there all are 1.</summary>
    private IWindowPolicy Windows(EngineOptions options, IProgress<LoadStage>? progress)
    {
        if (options.Windows is { } given)
            return given;
        if (!options.ParallelDecoding || !NumericClass.RowInvariant)
            return new SingleDraws();
        progress?.Report("measuring steps");
        return new WindowPlanner(costs = PassMeasurement.Measure(runner, Model.MaxPositions, loaded.Config.Tokens, Model.ImageDefaults.Sampling));
    }

    private PictureQueue StartPictures(IVisionTokenizer vision, bool alwaysBeside)
    {
        var worker = loaded.Backend.PictureThreads is { } threads
            ? new PictureWorker(vision, threads, task => Post(new Message(task.Running, IsCancelled: false, task)))
            : null;
        return new PictureQueue(vision, worker, alwaysBeside);
    }

    // :: Step 5 The engine batches: plan, forward, sample, commit, publish.
    private void Loop()
    {
        while (Receive())
        {
            foreach (var sequence in scheduler.Admit())
                Admit(bySequence[sequence]);
            var began = Stopwatch.GetTimestamp();
            if (scheduler.Plan() is { } plan)
            {
                pictures.BeginPasses();
                Step(plan);
            }
            ComputePictures(Stopwatch.GetElapsedTime(began));
            TakeSnapshot();
        }
    }

    /// <summary>Takes in what came; waits for something when there is nothing to do.</summary>
    /// <returns>False when the engine is to stop.</returns>
    private bool Receive()
    {
        if (!HasPasses)
            pictures.EndPasses();
        var isIdle = !HasPasses && pictures.Current is null;
        while (inbox.TryTake(out var message, isIdle ? Timeout.Infinite : 0))
        {
            Handle(message);
            isIdle = false;
        }
        return !inbox.IsCompleted && !inbox.IsAddingCompleted;
    }

    private bool HasPasses => scheduler.RunningCount + scheduler.WaitingCount > 0;

    private void Handle(Message message)
    {
        if (message.Done is { } task)
        {
            Deliver(task);
        }
        else if (message.IsCancelled)
        {
            Cancel(message.Request);
        }
        else
        {
            active.Add(message.Request);
            if (message.Request.Prepared.Pictures is { Count: > 0 } given)
                pictures.Add(new EncodingTask(message.Request, given), HasPasses);
            else
                Begin(message.Request, []);
        }
    }

    /// <summary>Makes the sequence, now that all pictures of its prompt are encoded, and queues it.</summary>
    private void Begin(RunningRequest running, IReadOnlyList<PictureCodes> codes)
    {
        Guard(() => [running], () =>
        {
            var (sequence, pictureTokens) = Compose(running, codes);
            running.Begin(sequence, pictureTokens, running.Request is ChatRequest chat ? new AnswerText(loaded.Tokenizer, chat.Stop) : null);
            bySequence.Add(sequence, running);
            if (running.IsBeyondItsEnd)
            {
                Fail(running, new EngineFailure(EngineFailureCode.ResumeNotPossible, "The answer holds a stop before the last of the tokens that were given."));
                return;
            }
            if (!running.IsComplete && !IsPreview(running))
            {
                scheduler.Add(sequence);
                return;
            }
            running.Admit(); // all is there already: no slot is needed
            Complete(running);
        });
    }

    private (Sequence Sequence, int PictureTokens) Compose(RunningRequest running, IReadOnlyList<PictureCodes> codes)
    {
        if (running.Request is ImageRequest image)
        {
            var grammar = new ImageGrammar(image.LatentHeight, image.LatentWidth, loaded.Config.Tokens);
            return (new Sequence(grammar, running.Prepared.ImagePrompts, image.Generated, DrawSettings.Of(image), drafts?.Invoke(image)), 0);
        }
        var chat = (ChatRequest)running.Request;
        var prompt = loaded.Prompts.Fill(running.Prepared.Chat!, codes);
        return (new Sequence(checks.ChatRules(chat, prompt.Ids.Length), [prompt.Ids], chat.Generated, DrawSettings.Of(chat), drafts?.Invoke(chat)), prompt.PictureTokenCount);
    }

    private void Admit(RunningRequest running)
    {
        runner.Clear(running.Sequence);
        running.Admit();
        metrics.Admitted(running.Age);
    }

    private void Step(BatchPlan plan)
    {
        var began = Stopwatch.GetTimestamp();
        RunningRequest[] drawing = [.. plan.Draws.Select(draw => draw.Sequence).Distinct().Select(sequence => bySequence[sequence])];
        Guard(() => [.. bySequence.Values.Where(running => running.Sequence.Branches[0].Slot >= 0)], () =>
        {
            var tokens = runner.Run(plan);
            if (plan.PrefillCount == 0) // rows that draw nothing cost less
                costs?.Observe(plan.Rows.Count, Stopwatch.GetElapsedTime(began).TotalSeconds);
            var before = drawing.Sum(running => running.Sequence.Generated.Count);
            var (finished, broken, accepted) = scheduler.Commit(plan, tokens);
            foreach (var running in drawing)
                running.PublishTokens();
            foreach (var sequence in broken)
                if (!bySequence[sequence].IsComplete)
                    Fail(bySequence[sequence], new EngineFailure(EngineFailureCode.NotSupported,
                        $"The checkpoint's logits for token {sequence.Generated.Count} are not finite numbers."));
            foreach (var sequence in finished)
                Complete(bySequence[sequence]);
            foreach (var running in drawing)
                if (active.Contains(running) && !running.Sequence.IsFinished && running.IsComplete)
                    Complete(running); // its text holds a stop: the scheduler, which knows numbers only, hears of it by its removal
            var generated = drawing.Sum(running => running.Sequence.Generated.Count) - before;
            stepCount++;
            generatedTokenCount += generated;
            metrics.StepDone(Stopwatch.GetElapsedTime(began), plan.Rows.Count, plan.PrefillCount, generated);
            metrics.DraftsDone(plan.DraftCount, accepted);
        });
    }

    /// <summary>A sequence came to its end: a picture goes on to be decoded, a text is done.</summary>
    private void Complete(RunningRequest running)
    {
        if (running is { Sequence.Rules: ImageGrammar grammar, Request: ImageRequest image })
            pictures.Add(new DecodingTask(running, grammar.Codes(running.Sequence.Generated), image.LatentHeight, image.LatentWidth), HasPasses);
        else
            Finish(running);
    }

    /// <summary>Computes pictures in pieces, about as long as the step took; without a step, one piece. What a worker computes beside is not counted.</summary>
    private void ComputePictures(TimeSpan budget)
    {
        var began = Stopwatch.GetTimestamp();
        do
        {
            if (pictures.Current is not { } task)
                return;
            if (pictures.Advance())
                Deliver(task);
        }
        while (Stopwatch.GetElapsedTime(began) < budget);
    }

    /// <summary>The pictures of a request are computed, or failed.</summary>
    private void Deliver(PictureTask task)
    {
        var running = task.Running;
        if (!pictures.Take(task))
            return; // it was cancelled meanwhile
        Guard(() => [running], () =>
        {
            if (task.Failure is { } failure && (ownsDevice || IsOutOfMemory(failure.SourceException)))
                failure.Throw();
            if (task.Failure is { SourceException: var cause })
            {
                LogPictureFailed(cause, running.Request.Id);
                Fail(running, new EngineFailure(EngineFailureCode.NotSupported, $"The vision tokenizer can't compute the request's picture: {cause.Message}"));
                return;
            }
            if (task is EncodingTask encoded)
            {
                Begin(running, encoded.Codes);
                return;
            }
            metrics.PictureDecoded(task.Duration);
            running.Publish(((DecodingTask)task).Picture);
            Finish(running);
        });
    }

    private void Finish(RunningRequest running)
    {
        Forget(running);
        var reason = running.Finish();
        metrics.RequestEnded(IsPreview(running) ? "preview" : reason == FinishReason.Stop ? "stop" : "length");
    }

    private static bool IsPreview(RunningRequest running) => running.Request is ImageRequest { IsPreview: true };

    private void Fail(RunningRequest running, EngineFailure failure)
    {
        Forget(running);
        LogFailed(running.Request.Id, failure.Code, failure.Message);
        metrics.RequestEnded("failed");
        running.Fail(failure);
    }

    private void Cancel(RunningRequest running)
    {
        if (!active.Contains(running))
            return;
        Forget(running);
        metrics.RequestEnded("cancelled");
        running.Stop(new OperationCanceledException("The request was cancelled."));
    }

    /// <summary>Frees all that a request holds, wherever it is.</summary>
    private void Forget(RunningRequest running)
    {
        active.Remove(running);
        pictures.Remove(running);
        if (!running.HasSequence)
            return;
        bySequence.Remove(running.Sequence);
        if (scheduler.Contains(running.Sequence))
            scheduler.Remove(running.Sequence);
    }

    /// <summary>A device without memory fails those whose work it was; any other native error goes on up and stops the engine.</summary>
    private void Guard(Func<IReadOnlyList<RunningRequest>> involved, Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure) when (IsOutOfMemory(failure))
        {
            foreach (var running in involved().Where(active.Contains))
                Fail(running, new EngineFailure(EngineFailureCode.DeviceOutOfMemory, $"The device ran out of memory: {failure.Message}"));
        }
    }

    // The native library tells its errors apart by their text alone.
    private static bool IsOutOfMemory(Exception failure) => failure is OutOfMemoryException || failure is ExternalException && (
        failure.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || failure.Message.Contains("can't allocate memory", StringComparison.Ordinal));

    private void TakeSnapshot() => Volatile.Write(ref snapshot, new Snapshot(
        new EngineLoad(slots.Count, slots.FreeCount, scheduler.RunningCount, scheduler.WaitingCount + pictures.EncodingCount, stepCount, generatedTokenCount),
        loaded.Backend.LiveTensorCount));

    private void StopRequests()
    {
        inbox.CompleteAdding();
        foreach (var running in active.Concat(inbox.Select(message => message.Request)))
            running.Stop(Stopped());
    }

    /// <param name="Request">That it is about.</param>
    /// <param name="IsCancelled">Nobody waits for it any more.</param>
    /// <param name="Done">Its pictures, which are computed.</param>
    private sealed record Message(RunningRequest Request, bool IsCancelled, PictureTask? Done = null);

    private sealed record Snapshot(EngineLoad Load, long LiveTensorCount);
}
