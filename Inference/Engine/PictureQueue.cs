using System.Diagnostics;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>Finished pictures on their way from tokens to pixels, one at a time and in pieces of one layer, so that steps run in between.</summary>
internal sealed class PictureQueue(IVisionTokenizer vision) : IDisposable
{
    private readonly LinkedList<RunningRequest> waiting = [];
    private IStillDecoding? decoding;

    /// <summary>Pictures that are not decoded.</summary>
    public int Count => waiting.Count;

    /// <summary>Whose picture is next.</summary>
    public RunningRequest? Current => waiting.First?.Value;

    /// <summary>Time spent on the current picture.</summary>
    public TimeSpan CurrentDuration { get; private set; }

    public void Add(RunningRequest running) => waiting.AddLast(running);

    /// <summary>Runs a piece of the current picture.</summary>
    /// <returns>Whether the picture is there.</returns>
    public bool Advance()
    {
        var began = Stopwatch.GetTimestamp();
        var request = (ImageRequest)Current!.Request;
        decoding ??= vision.BeginStill(
            ((ImageGrammar)Current.Sequence.Rules).Codes(Current.Sequence.Generated), request.LatentHeight, request.LatentWidth);
        var isDone = decoding.Advance();
        CurrentDuration += Stopwatch.GetElapsedTime(began);
        return isDone;
    }

    /// <summary>The current picture, which is there; the next one becomes current.</summary>
    public Picture Take()
    {
        var picture = decoding!.Picture;
        Remove(Current!);
        return picture;
    }

    /// <summary>Takes a request out, if it is here.</summary>
    public void Remove(RunningRequest running)
    {
        if (ReferenceEquals(Current, running))
            Dispose();
        waiting.Remove(running);
    }

    public void Dispose()
    {
        decoding?.Dispose();
        decoding = null;
        CurrentDuration = default;
    }
}
