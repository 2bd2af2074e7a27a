using Emu3.Inference;

namespace Emu3.Grains.Workers;

/// <summary>Measures one request of an engine by its events, from its making to its disposal.</summary>
internal sealed class RequestWatch(VllmMetrics metrics, GenerationRequest request, TimeProvider time) : IDisposable
{
    private readonly bool _isPicture = request is ImageRequest;
    private readonly bool _isGuided = request is ImageRequest { GuidanceScale: not 1 };
    private readonly long _arrived = time.GetTimestamp();
    private long? _lastTokens;
    private bool _isPairRunning;

    /// <summary>The engine told something.</summary>
    public void Hear(EngineEvent happened)
    {
        switch (happened)
        {
            case EngineEvent.Admitted admitted:
                metrics.PromptTaken(time.GetElapsedTime(_arrived), admitted.PromptTokens);
                if (_isGuided) metrics.PairStarted();
                _isPairRunning = _isGuided;
                break;
            case EngineEvent.TokensGenerated { Ids.Length: > 0 } tokens:
                var now = time.GetTimestamp();
                TimeSpan? sinceLast = _lastTokens is { } last ? time.GetElapsedTime(last, now) : null;
                metrics.TokensGenerated(tokens.Ids.Length, sinceLast, time.GetElapsedTime(_arrived, now), _isPicture);
                _lastTokens = now;
                break;
            case EngineEvent.PictureDecoded:
                EndPair();
                break;
            case EngineEvent.Finished:
                metrics.RequestFinished(time.GetElapsedTime(_arrived), _isPicture && request.Generated.Count == 0);
                break;
        }
    }

    public void Dispose() => EndPair();

    private void EndPair()
    {
        if (_isPairRunning) metrics.PairEnded();
        _isPairRunning = false;
    }
}
