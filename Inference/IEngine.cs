namespace Emu3.Inference;

/// <summary>
/// One model on one device. The whole surface is plain data: no tensor, no native handle leaves it.
/// All members may be called from any thread; the work happens on the engine's own thread.
/// </summary>
public interface IEngine : IAsyncDisposable
{
    /// <summary>What the checkpoint is and what it asks for. Constant for the engine's life.</summary>
    ModelFacts Model { get; }

    /// <summary>The class of machines and settings within which the same request gives the same tokens. Constant for the engine's life.</summary>
    NumericClass NumericClass { get; }

    /// <summary>A snapshot of what is running and waiting.</summary>
    EngineLoad Load { get; }

    /// <summary>
    /// Counts the positions that a request needs and checks it, without running it: exactly the checks that <see cref="Run"/> starts with.
    /// A chat request whose pictures can't be read gives that failure.
    /// </summary>
    Measurement Measure(GenerationRequest request);

    /// <summary>
    /// Runs one request to its end. Events arrive in this order: <see cref="EngineEvent.Admitted"/>, any number of
    /// <see cref="EngineEvent.TokensGenerated"/>, for a picture <see cref="EngineEvent.PictureDecoded"/>, and last exactly one
    /// <see cref="EngineEvent.Finished"/> or <see cref="EngineEvent.Failed"/>. A failure that belongs to the request is an event, never an exception.
    /// </summary>
    /// <param name="request">What to generate; may carry tokens that were generated before, from which it goes on.</param>
    /// <param name="cancellationToken">Frees the request's slots within one step.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="EngineStoppedException">The engine was disposed of or its device was lost while the request ran.</exception>
    IAsyncEnumerable<EngineEvent> Run(GenerationRequest request, CancellationToken cancellationToken = default);
}

/// <summary>The engine ended under a request: nothing about the request is wrong, and it can go on elsewhere from the tokens it has.</summary>
public sealed class EngineStoppedException(string message, Exception? cause = null) : Exception(message, cause);
