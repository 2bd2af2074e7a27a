namespace Emu3.Inference.Batching;

/// <summary>Guesses of a picture: what the last step drew at an index that it saw, else the token above, else the one on the left.</summary>
public sealed class PictureDrafts : IDraftSource
{
    private readonly (int Index, int Token)[] drawn = new (int, int)[256]; // at index modulo length: more than a window and its forced tokens span

    // The first token of a picture is never behind a guess, so an empty place, which looks like one of index 0, is not taken for one.
    public int? At(Sequence sequence, int index)
    {
        if (drawn[index % drawn.Length] is var (at, token) && at == index && index > 0)
            return token;
        return sequence.Rules.NeighbourOf(index) is { } neighbour ? sequence.Known(neighbour) : null;
    }

    public void Learn(int index, int token) => drawn[index % drawn.Length] = (index, token);
}
