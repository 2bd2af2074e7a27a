namespace Emu3.Inference.Tokens;

/// <summary>
/// Ends a text where the first of some strings appears in it: of those whose last character comes first, the longest. The string itself is not let through, so
/// characters that may begin one are held back until it is known. Where the text is cut into pieces changes nothing. One matcher for each text.
/// </summary>
/// <param name="stops">None is empty; there may be none.</param>
public sealed class StopMatcher(IReadOnlyList<string> stops)
{
    private readonly Stop[] _stops = [.. stops.Select(text => new Stop(text))];
    private string _held = "";

    /// <summary>The text holds one of the strings: nothing of what follows is let through.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>What is let through now that this follows: of the text up to here, all that can't be the beginning of a stop, and not more than stands before the first.</summary>
    public string Push(string piece)
    {
        if (IsStopped) return "";
        if (_stops.Length == 0) return piece;
        var text = _held + piece;
        for (var at = _held.Length; at < text.Length; at++)
        {
            var found = _stops.Max(stop => stop.Feed(text[at]) ? stop.Length : 0);
            if (found == 0) continue;
            (IsStopped, _held) = (true, "");
            return text[..(at + 1 - found)];
        }

        var kept = _stops.Max(stop => stop.Matched);
        _held = text[^kept..];
        return text[..^kept];
    }

    /// <summary>Nothing follows: what was held back is let through.</summary>
    public string Flush()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    /// <summary>One string, with how much of it the text ends with (Knuth, Morris, Pratt).</summary>
    private sealed class Stop
    {
        private readonly string _text;
        private readonly int[] _borders; // of the first n + 1 characters: the longest proper prefix that is their suffix too

        public Stop(string text)
        {
            ArgumentException.ThrowIfNullOrEmpty(text);
            (_text, _borders) = (text, new int[text.Length]);
            for (var (at, border) = (1, 0); at < text.Length; at++) _borders[at] = border = After(border, text[at]);
        }

        public int Length => _text.Length;

        public int Matched { get; private set; }

        /// <summary>Whether this character completes the string.</summary>
        public bool Feed(char next) => (Matched = After(Matched, next)) == _text.Length;

        private int After(int matched, char next)
        {
            while (matched > 0 && _text[matched] != next) matched = _borders[matched - 1];
            return _text[matched] == next ? matched + 1 : 0;
        }
    }
}
