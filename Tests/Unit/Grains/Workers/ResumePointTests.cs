using CsCheck;
using Emu3.Grains.Workers;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class ResumePointTests
{
    private static readonly byte[] s_hash = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void Decode_OfTheSameItemAndClass_GivesTheTokensBack() =>
        Gen.Select(Gen.Int[0, 184_621].Array[0, 200], Gen.Bool).Sample((tokens, isText) =>
        {
            var pieces = isText ? tokens.Select(token => $"ä{token}").ToArray() : null;

            var read = ResumePoint.Decode(new ResumePoint(tokens, pieces).Encode("class", s_hash), "class", s_hash);

            Assert.Equal(tokens, read!.Tokens);
            Assert.Equal(pieces, read.Pieces);
        }, iter: 200);

    [Fact]
    public void Decode_OfAnotherItemOrClass_GivesNothing()
    {
        var file = new ResumePoint([1, 2, 3], null).Encode("class", s_hash);

        Assert.Null(ResumePoint.Decode(file, "other class", s_hash));
        Assert.Null(ResumePoint.Decode(file, "class", new byte[32]));
        Assert.Null(ResumePoint.Decode(null, "class", s_hash));
    }

    [Fact]
    public void Decode_OfADamagedFile_GivesNothing()
    {
        var file = new ResumePoint([.. Enumerable.Range(0, 300)], null).Encode("class", s_hash);
        for (var at = 0; at < file.Length; at++)
        {
            var damaged = (byte[])file.Clone();
            damaged[at] ^= 0x10;
            Assert.Null(ResumePoint.Decode(damaged, "class", s_hash));
            Assert.Null(ResumePoint.Decode(file[..at], "class", s_hash));
        }
    }

    [Fact]
    public void Encode_OfAWholeLargePicture_StaysBelow40KB()
    {
        // 90 × 90 latent cells with the ends of rows: what 720 × 720 pixels take.
        var random = new Random(1);
        var tokens = Enumerable.Range(0, (91 * 90) + 3).Select(_ => 151_854 + random.Next(32_768)).ToArray();

        Assert.InRange(new ResumePoint(tokens, null).Encode("class", s_hash).Length, 1000, 40_000);
    }
}
