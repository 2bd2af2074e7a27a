using CsCheck;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class TokenBufferTests
{
    [Fact]
    public void Append_WithAGap_AsksForWhatIsMissing()
    {
        var buffer = new TokenBuffer();

        Assert.Equal(2, buffer.Append(Chunk(1, 0, 10, 11)));
        Assert.Equal(2, buffer.Append(Chunk(1, 3, 13)));
        Assert.Equal(4, buffer.Append(Chunk(1, 1, 11, 12, 13)));
        Assert.Equal(4, buffer.Count);
    }

    [Fact]
    public void Append_OfANewEpochThatIsBehind_TellsReadersNothingTwice()
    {
        var buffer = new TokenBuffer();
        var reader = new TokenBuffer.Reader(buffer, 0);
        buffer.Append(Chunk(1, 0, 10, 11, 12));
        Assert.Equal([10, 11, 12], reader.Next(9)!.Tokens);

        Assert.Equal(0, buffer.Append(Chunk(2, 3, 13))); // what it has must be compared first
        Assert.Equal(2, buffer.Append(Chunk(2, 0, 10, 11)));
        Assert.Null(reader.Next(9));
        buffer.Append(Chunk(2, 2, 12, 13));

        var chunk = reader.Next(9)!;
        Assert.Equal((2, 3, false), (chunk.Epoch, chunk.Offset, chunk.IsRewind));
        Assert.Equal([13], chunk.Tokens);
    }

    [Fact]
    public void Append_OfOtherTokensThanTold_RewindsReadersToWhereTheyDiffer()
    {
        var buffer = new TokenBuffer();
        var (ahead, behind) = (new TokenBuffer.Reader(buffer, 0), new TokenBuffer.Reader(buffer, 0));
        buffer.Append(Chunk(1, 0, 10, 11, 12));
        ahead.Next(9);
        behind.Next(1);

        buffer.Append(Chunk(2, 0, 10, 99));

        var rewind = ahead.Next(9)!;
        Assert.Equal((1, true), (rewind.Offset, rewind.IsRewind));
        Assert.Equal([99], ahead.Next(9)!.Tokens);
        Assert.Equal([99], behind.Next(9)!.Tokens); // it had not seen what was wrong
    }

    [Fact]
    public void End_BelowWhatWasTold_TakesItBack()
    {
        var buffer = new TokenBuffer();
        var reader = new TokenBuffer.Reader(buffer, 0);
        buffer.Append(Chunk(1, 0, 10, 11, 12));
        reader.Next(9);

        buffer.End(2);

        Assert.Equal((2, true), (reader.Next(9)!.Offset, buffer.IsEnded));
        Assert.Null(reader.Next(9));
    }

    /// <summary>Whatever is pushed in whatever epochs, a reader that follows rewinds ends with the tokens of the last epoch.</summary>
    [Fact]
    public void Reader_FollowingRewinds_EndsWithWhatIsThere()
    {
        Gen.Select(Gen.Int[0, 1].Array[1, 30].Array[1, 4], Gen.Int[1, 5], Gen.Int[1, 4]).Sample((epochs, push, read) =>
        {
            var buffer = new TokenBuffer();
            var reader = new TokenBuffer.Reader(buffer, 0);
            var seen = new List<int>();
            for (var epoch = 1; epoch <= epochs.Length; epoch++)
            {
                var tokens = epochs[epoch - 1];
                for (var at = 0; at < tokens.Length;)
                {
                    at = buffer.Append(new() { Epoch = epoch, Offset = at, Tokens = [.. tokens.Skip(at).Take(push)] });
                    Read();
                }
            }

            buffer.End(epochs[^1].Length);
            while (Read())
            {
            }

            Assert.Equal(epochs[^1], seen);

            bool Read()
            {
                if (reader.Next(read) is not { } chunk) return false;
                if (chunk.IsRewind) seen.RemoveRange(chunk.Offset, seen.Count - chunk.Offset);
                Assert.Equal(seen.Count, chunk.Offset);
                seen.AddRange(chunk.Tokens);
                return true;
            }
        }, iter: 2000);
    }

    private static TokenChunk Chunk(int epoch, int offset, params int[] tokens) => new() { Epoch = epoch, Offset = offset, Tokens = tokens };
}
