using System.Diagnostics;

namespace Emu3.Inference.Engine;

/// <summary>The span of one request in the engine, with events where its stages begin. Disposal ends it.</summary>
internal sealed class RequestTrace : IDisposable
{
    private static readonly ActivitySource s_source = new("Emu3.Inference");

    private readonly Activity? _span;
    private bool _hasTokens;

    public RequestTrace(ModelFacts model)
    {
        _span = s_source.StartActivity("run engine");
        _span?.SetTag("gen_ai.request.model", model.Name);
    }

    /// <summary>The engine told something.</summary>
    public void Hear(EngineEvent happened)
    {
        if (_span is null) return;
        switch (happened)
        {
            case EngineEvent.Admitted:
                _span.AddEvent(new("admitted"));
                break;
            case EngineEvent.TokensGenerated when !_hasTokens:
                _hasTokens = true;
                _span.AddEvent(new("first token"));
                break;
            case EngineEvent.PictureDecoded:
                _span.AddEvent(new("picture decoded"));
                break;
            case EngineEvent.Finished:
                _span.SetStatus(ActivityStatusCode.Ok);
                break;
            case EngineEvent.Failed failed:
                _span.SetTag("error.type", failed.Failure.Code.ToString()).SetStatus(ActivityStatusCode.Error);
                break;
        }
    }

    public void Dispose() => _span?.Dispose();
}
