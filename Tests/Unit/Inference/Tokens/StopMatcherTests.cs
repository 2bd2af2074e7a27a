using CsCheck;
using Emu3.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Tokens;

[Trait("Suite", "Fast")]
public sealed class StopMatcherTests
{
    [Theory]
    [InlineData("one STOP two", "one ", "STOP")]
    [InlineData("STOP", "", "STOP")]
    [InlineData("one STO two", null, "STOP")]
    [InlineData("aab", "a", "ab")]
    [InlineData("ababac", "ab", "abac")]       // the first try fails inside the second
    [InlineData("one two three", "one ", "three", "two")]
    [InlineData("xabcd", "x", "bc", "abc")]    // both end at c: the longer began first
    [InlineData("xabcd", "xa", "abcd", "bc")]  // "bc" is whole before "abcd" is
    [InlineData("line\nline\n\nend", "line\nline", "\n\n")]
    [InlineData("a star ⭐ is", "a star ", "⭐")]
    [InlineData("no 😀 but 😁!", "no 😀 but ", "😁")]
    [InlineData("nothing to find", null)]
    public void Push_Text_EndsBeforeTheFirstStop(string text, string? expected, params string[] stops)
    {
        var (told, isStopped) = Run([text], stops);
        Assert.Equal((expected ?? text, expected is not null), (told, isStopped));
    }

    [Fact]
    public void Push_WhatMayBeginAStop_IsHeldBackUntilItIsKnown()
    {
        var matcher = new StopMatcher(["STOP"]);
        Assert.Equal("go ", matcher.Push("go S"));
        Assert.Equal("", matcher.Push("TO"));
        Assert.Equal("STO", matcher.Push("S"));
        Assert.Equal("", matcher.Push("T"));
        Assert.Equal("ST", matcher.Flush());
        Assert.False(matcher.IsStopped);
    }

    [Fact]
    public void Push_BehindAStop_LetsNothingThrough()
    {
        var matcher = new StopMatcher(["."]);
        Assert.Equal("A star", matcher.Push("A star. It"));
        Assert.Equal(("", ""), (matcher.Push(" is red."), matcher.Flush()));
    }

    [Fact]
    public void Stop_ThatIsEmpty_IsRefused() => Assert.Throws<ArgumentException>(() => new StopMatcher([""]));

    /// <summary>However the text is cut, what is let through and whether it stopped are what a search over the whole text says; no character is split.</summary>
    [Fact]
    public void Push_AnyCuts_GiveWhatTheWholeTextGives()
    {
        string[] characters = ["a", "b", "c", "😀", "é"];
        var text = Gen.Int[0, 4].Array[0, 30].Select(places => string.Concat(places.Select(place => characters[place])));
        var stops = Gen.Int[0, 3].Array[1, 4].Select(places => string.Concat(places.Select(place => characters[place]))).Array[0, 4];
        Gen.Select(text, stops, Gen.Int[0, 5].Array[0, 30]).Sample((whole, words, cuts) =>
        {
            var (told, isStopped) = Run(Cut(whole, cuts), words);
            Assert.Equal(Expected(whole, words), (told, isStopped));
        });
    }

    private static (string Told, bool IsStopped) Run(IEnumerable<string> pieces, string[] stops)
    {
        var matcher = new StopMatcher(stops);
        var told = pieces.Select(matcher.Push).ToList();
        told.Add(matcher.Flush());
        Assert.All(told, piece => Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])), "A character was split."));
        return (string.Concat(told), matcher.IsStopped);
    }

    /// <summary>The obvious way: the shortest beginning of the text that ends with a stop, without the longest that it ends with.</summary>
    private static (string, bool) Expected(string text, string[] stops)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var found = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).Select(stop => stop.Length).DefaultIfEmpty().Max();
            if (found > 0) return (text[..(end - found)], true);
        }

        return (text, false);
    }

    /// <summary>Pieces of whole characters, some of them empty.</summary>
    private static IEnumerable<string> Cut(string text, int[] lengths)
    {
        var runes = new Queue<string>(text.EnumerateRunes().Select(rune => rune.ToString()));
        foreach (var length in lengths)
            yield return string.Concat(Enumerable.Range(0, Math.Min(length, runes.Count)).Select(_ => runes.Dequeue()));
        yield return string.Concat(runes);
    }
}
