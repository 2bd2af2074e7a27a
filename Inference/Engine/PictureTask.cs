using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>The pictures of one request on their way through the vision tokenizer: those it brought, or the one that it drew. One thread at a time.</summary>
/// <param name="running">Whose.</param>
internal abstract class PictureTask(RunningRequest running)
{
    private volatile bool isGivenUp;
    private IPictureWork? work;

    public RunningRequest Running => running;

    /// <summary>Time that its pieces took.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>What a piece threw; null where none did.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>Nobody waits for it any more: whoever computes it stops before the next piece.</summary>
    public bool IsGivenUp => isGivenUp;

    /// <summary>Any thread.</summary>
    public void GiveUp() => isGivenUp = true;

    /// <summary>Runs a piece. What it throws is kept in <see cref="Failure"/>, and ends the task.</summary>
    /// <returns>Whether nothing is left to do.</returns>
    public bool Advance(IVisionTokenizer vision)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            work ??= Begin(vision);
            if (!work.Advance())
                return false;
            var isDone = Take(work);
            Close();
            return isDone;
        }
        catch (Exception thrown)
        {
            Failure = ExceptionDispatchInfo.Capture(thrown);
            return true;
        }
        finally
        {
            Duration += Stopwatch.GetElapsedTime(began);
        }
    }

    /// <summary>Gives back what it holds, on the thread that computes it.</summary>
    public void Close()
    {
        work?.Dispose();
        work = null;
    }

    /// <summary>Begins the next picture.</summary>
    protected abstract IPictureWork Begin(IVisionTokenizer vision);

    /// <summary>Takes the result of a picture.</summary>
    /// <returns>Whether it was the last one.</returns>
    protected abstract bool Take(IPictureWork done);
}

/// <summary>The picture that a request drew, from codes to pixels.</summary>
/// <param name="running">Whose.</param>
/// <param name="codes">Row by row.</param>
/// <param name="height">Rows of cells.</param>
/// <param name="width">Cells in a row.</param>
internal sealed class DecodingTask(RunningRequest running, int[] codes, int height, int width) : PictureTask(running)
{
    private Picture? picture;

    /// <summary>Once it is done.</summary>
    public Picture Picture => picture ?? throw new InvalidOperationException("The picture is not decoded.");

    protected override IPictureWork Begin(IVisionTokenizer vision) => vision.BeginStill(codes, height, width);

    protected override bool Take(IPictureWork done)
    {
        picture = ((IStillDecoding)done).Picture;
        return true;
    }
}

/// <summary>The pictures of a conversation, from pixels to codes.</summary>
/// <param name="running">Whose.</param>
/// <param name="pictures">At least one, each of the size that it is encoded in.</param>
internal sealed class EncodingTask(RunningRequest running, IReadOnlyList<Picture> pictures) : PictureTask(running)
{
    private readonly List<PictureCodes> codes = [];

    /// <summary>In the order of the pictures, once it is done.</summary>
    public IReadOnlyList<PictureCodes> Codes => codes;

    protected override IPictureWork Begin(IVisionTokenizer vision) => vision.BeginEncoding(pictures[codes.Count]);

    protected override bool Take(IPictureWork done)
    {
        var latent = ((IStillEncoding)done).Codes;
        codes.Add(new PictureCodes(latent.Height, latent.Width, latent.Codes));
        return codes.Count == pictures.Count;
    }
}
