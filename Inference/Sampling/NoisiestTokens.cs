using System.Runtime.Intrinsics;

namespace Emu3.Inference.Sampling;

/// <summary>
/// The tokens whose noise is largest at one place. They are known before the logits are: a draw over more tokens than can be fetched from a device needs the
/// logits of the likeliest tokens and of these, since a token that is neither has little chance to win, and a bound on its chance.
/// </summary>
public sealed class NoisiestTokens
{
    private readonly List<(uint Cell, int Index)> found = [];

    /// <summary>Finds them.</summary>
    /// <param name="indices">Gets the tokens, counted from the first allowed one; the first is repeated where there are fewer.</param>
    /// <param name="width">Allowed tokens, more than there is room for.</param>
    /// <param name="firstToken">Id of the first allowed token.</param>
    /// <param name="seed">Key of the noise.</param>
    /// <param name="index">Of the new token among the generated ones of its sequence.</param>
    /// <param name="sampleIndex">Which sample of the seed.</param>
    /// <returns>The noise of all other tokens is at most this.</returns>
    public double Find(Span<int> indices, int width, int firstToken, ulong seed, int index, uint sampleIndex)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(width, indices.Length);
        var least = (uint)((1 << 24) * (1 - 0.75 * indices.Length / width)); // three quarters of the room are filled on average
        found.Clear();
        for (var from = 0; from < width; from += 16)
        {
            var cells = NoiseWords.Of(seed, index, Vector512.Create((uint)(firstToken + from)) + Vector512<uint>.Indices, sampleIndex) >> 8;
            for (var left = Vector512.GreaterThanOrEqual(cells, Vector512.Create(least)).ExtractMostSignificantBits(); left != 0; left &= left - 1)
            {
                var lane = System.Numerics.BitOperations.TrailingZeroCount(left);
                if (from + lane < width)
                    found.Add((cells[lane], from + lane));
            }
        }
        var beyond = least - 1; // the noise grows with the cell
        if (found.Count > indices.Length)
        {
            found.Sort();
            beyond = found[^(indices.Length + 1)].Cell;
            found.RemoveRange(0, found.Count - indices.Length);
        }
        for (var i = 0; i < indices.Length; i++)
            indices[i] = i < found.Count ? found[i].Index : found.Count > 0 ? found[0].Index : 0;
        return PositionalNoise.Gumbel(beyond << 8);
    }
}
