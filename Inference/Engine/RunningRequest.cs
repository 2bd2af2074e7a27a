using System.Diagnostics;
using System.Threading.Channels;
using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>A request on its way through the engine. All but <see cref="Events"/> is the engine thread's.</summary>
/// <param name="request">What was asked for; checked.</param>
/// <param name="prepared">What was made of it before the engine's thread got it.</param>
internal sealed class RunningRequest(GenerationRequest request, PreparedRequest prepared)
{
    // Unbounded: a slow reader must not hold up the others, and what a request can write is bounded by its length.
    private readonly Channel<EngineEvent> events = Channel.CreateUnbounded<EngineEvent>(new() { SingleReader = true, SingleWriter = true });
    private readonly long arrived = Stopwatch.GetTimestamp();
    private AnswerText? text;
    private Sequence? sequence;
    private int promptPictureTokens;
    private int published;

    public GenerationRequest Request => request;
    public PreparedRequest Prepared => prepared;
    public ChannelReader<EngineEvent> Events => events.Reader;
    public TimeSpan Age => Stopwatch.GetElapsedTime(arrived);

    /// <summary>There once its pictures are encoded.</summary>
    public Sequence Sequence => sequence ?? throw new InvalidOperationException("The request has no sequence yet.");

    public bool HasSequence => sequence is not null;

    /// <summary>Nothing is left to generate.</summary>
    public bool IsComplete => Sequence.IsFinished || text is { IsStopped: true };

    /// <summary>The request brought tokens behind the end of its answer.</summary>
    public bool IsBeyondItsEnd { get; private set; }

    /// <summary>The prompt is there.</summary>
    /// <param name="made">Behind which it goes on.</param>
    /// <param name="pictureTokens">Tokens of pictures in the prompt.</param>
    /// <param name="answer">For text; null for a picture.</param>
    public void Begin(Sequence made, int pictureTokens, AnswerText? answer)
    {
        (sequence, promptPictureTokens, text) = (made, pictureTokens, answer);
        published = request.Generated.Count;
        if (text is null)
            return;
        for (var at = 0; at < published; at++) // a character or a stop may lie across the place where it was interrupted
        {
            IsBeyondItsEnd |= text.IsStopped;
            text.Push(request.Generated[at], isLast: at == published - 1 && made.IsFinished);
        }
    }

    /// <summary>It has its slots.</summary>
    public void Admit()
    {
        events.Writer.TryWrite(new EngineEvent.Admitted(Sequence.Branches[0].Prompt.Count));
        PublishTokens(); // forced ones that follow what the request brought
    }

    /// <summary>Tells the tokens that were not told yet.</summary>
    public void PublishTokens()
    {
        var (generated, first, pieces) = (Sequence.Generated, published, new List<string>());
        for (; published < generated.Count && !(text is { IsStopped: true }); published++)
            if (text is not null)
                pieces.Add(text.Push(generated[published], isLast: published == generated.Count - 1 && Sequence.IsFinished));
        if (published < generated.Count)
            Sequence.Truncate(published); // drawn in the same step as the stop, behind it
        if (published > first)
            events.Writer.TryWrite(new EngineEvent.TokensGenerated(first, [.. generated.Skip(first)], text is null ? null : [.. pieces]));
    }

    public void Publish(Picture picture) => events.Writer.TryWrite(new EngineEvent.PictureDecoded(picture.Width, picture.Height, picture.Rgb));

    /// <summary>The last event of one that went well.</summary>
    public FinishReason Finish()
    {
        var isCut = Sequence.Rules is TextRules rules && Sequence.Generated[^1] != rules.EndOfSequence && text is not { IsStopped: true };
        var reason = isCut ? FinishReason.Length : FinishReason.Stop;
        events.Writer.TryWrite(new EngineEvent.Finished(
            reason, new TokenUsage(Sequence.Branches[0].Prompt.Count, promptPictureTokens, Sequence.Generated.Count)));
        events.Writer.TryComplete();
        return reason;
    }

    /// <summary>The last event of one that did not.</summary>
    public void Fail(EngineFailure failure)
    {
        events.Writer.TryWrite(new EngineEvent.Failed(failure));
        events.Writer.TryComplete();
    }

    /// <summary>No more events; the reader gets <paramref name="cause"/> after those that are there.</summary>
    public void Stop(Exception cause) => events.Writer.TryComplete(cause);
}
