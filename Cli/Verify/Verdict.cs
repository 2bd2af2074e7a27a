using Emu3.Grains.Interfaces;

namespace Emu3.Cli.Verify;

/// <summary>What a second making says about the first.</summary>
internal enum Finding
{
    /// <summary>The same tokens.</summary>
    Equal,

    /// <summary>Other tokens where they had to be the same.</summary>
    Different,

    /// <summary>Other tokens, and nobody promised the same: another numeric class, or one that is not reproducible.</summary>
    Unpromised,

    /// <summary>It could not be made again.</summary>
    NotMade,
}

/// <summary>One comparison, and what to say about it.</summary>
internal sealed record Verdict(Finding Finding, string Text)
{
    /// <param name="made">As the folder has it.</param>
    /// <param name="again">What the cluster says about the second making.</param>
    /// <param name="recipeAgain">From the second making's file; null when it could not be had, and hashes must do.</param>
    public static Verdict Of(MadeOutput made, Outcome again, PictureRecipe? recipeAgain)
    {
        if (!again.IsDone)
            return new(Finding.NotMade, $"{made.FileName} could not be made again: {again.Error?.Message ?? again.Error?.Code ?? again.Status}");
        var expected = made.Recipe.Tokens is { } packed ? PackedTokens.Read(packed) : null;
        var got = recipeAgain?.Tokens is { } packedAgain ? PackedTokens.Read(packedAgain) : null;
        var isSameHash = string.Equals(made.Recipe.TokensHash, again.TokensSha256, StringComparison.OrdinalIgnoreCase);
        if (expected is null || got is null)
        {
            return isSameHash
                ? new(Finding.Equal, $"{made.FileName} is the same, by the hash of its tokens.")
                : Differing(made, again, $"{made.FileName} differs: the hash of its tokens is {made.Recipe.TokensHash}, now {again.TokensSha256}; its file has no room for the tokens themselves.");
        }

        var at = expected.AsSpan().CommonPrefixLength(got);
        if (at == expected.Length && at == got.Length && isSameHash) return new(Finding.Equal, $"{made.FileName} is the same.");
        if (at == expected.Length && at == got.Length)
            return Differing(made, again, $"{made.FileName} differs: its tokens are the same, and the hash beside them is of others.");
        return Differing(made, again, $"{made.FileName} differs at token {at}: expected {At(expected)}, got {At(got)}.");

        string At(int[] tokens) => at < tokens.Length ? $"{tokens[at]}" : "no token";
    }

    private static Verdict Differing(MadeOutput made, Outcome again, string what)
    {
        var devices = $"Made by {made.MadeBy ?? "an unknown device"}, again by {again.MadeBy ?? "an unknown device"}";
        return made switch
        {
            { NumericClass: { } before } when before != again.NumericClass => new(Finding.Unpromised,
                $"{what} {devices}; the numeric class is another one, so that is no violation: \"{before}\", now \"{again.NumericClass}\"."),
            { IsReproducible: false } => new(Finding.Unpromised, $"{what} {devices}; its numeric class \"{made.NumericClass}\" is not reproducible, so that is no violation."),
            _ => new(Finding.Different, $"{what} {devices}, in numeric class \"{again.NumericClass}\"."),
        };
    }
}
