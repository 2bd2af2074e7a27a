using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// Tokens of a watched item, kept for its readers. Offsets are absolute and equal in every epoch, so a run that goes on from further back
/// makes readers wait: they see no gap and no repeat. Where recomputed tokens differ from told ones, readers are told to go back.
/// </summary>
public sealed class TokenBuffer
{
    private readonly List<int> _tokens = [];
    private readonly List<string> _pieces = [];
    private readonly List<Rewind> _rewinds = [];
    private TaskCompletionSource _changed = NewSignal();
    private int _epoch;
    private int _checked; // tokens of this epoch that were compared with what is here

    /// <summary>Tokens without a gap.</summary>
    public int Count => _tokens.Count;

    /// <summary>Times that tokens were taken back.</summary>
    public int RewindCount => _rewinds.Count;

    /// <summary>Nothing will come any more.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Readers at the moment.</summary>
    public int ReaderCount { get; set; }

    /// <summary>
    /// Takes tokens of the item's current lease. Returns up to where it has that lease's tokens without a gap: a new lease begins at 0 again,
    /// because what it has must be compared with what was told.
    /// </summary>
    public int Append(TokenChunk chunk)
    {
        if (chunk.Epoch > _epoch) (_epoch, _checked) = (chunk.Epoch, 0);
        if (chunk.Offset > _checked) return _checked;
        for (var i = 0; i < chunk.Tokens.Length; i++)
        {
            var at = chunk.Offset + i;
            if (at < _tokens.Count && _tokens[at] == chunk.Tokens[i]) continue;
            if (at < _tokens.Count) CutTo(at);
            _tokens.Add(chunk.Tokens[i]);
            if (chunk.Pieces is not null) _pieces.Add(chunk.Pieces[i]);
        }

        _checked = Math.Max(_checked, chunk.Offset + chunk.Tokens.Length);
        Signal();
        return _checked;
    }

    /// <summary>The item has ended with so many tokens: none follow, and told ones beyond that are taken back.</summary>
    public void End(int? tokenCount)
    {
        if (tokenCount < _tokens.Count) CutTo(tokenCount.Value);
        IsEnded = true;
        Signal();
    }

    /// <summary>A reader's place: what it has, and which rewinds it knows.</summary>
    public sealed class Reader(TokenBuffer buffer, int position)
    {
        private int _position = position;
        private int _rewindsSeen = buffer._rewinds.Count;

        /// <summary>What the reader has not seen; null when it has seen all.</summary>
        public TokenChunk? Next(int most)
        {
            var back = int.MaxValue;
            for (; _rewindsSeen < buffer._rewinds.Count; _rewindsSeen++) back = Math.Min(back, buffer._rewinds[_rewindsSeen].Offset);
            if (buffer.IsEnded && buffer.Count > 0) back = Math.Min(back, buffer.Count); // a reader from before a restart of the shard
            if (back < _position)
            {
                _position = back;
                return new() { Epoch = buffer._epoch, Offset = back, Tokens = [], IsRewind = true };
            }

            var count = Math.Min(most, buffer._tokens.Count - _position);
            if (count <= 0) return null;
            var chunk = new TokenChunk
            {
                Epoch = buffer._epoch,
                Offset = _position,
                Tokens = [.. buffer._tokens.GetRange(_position, count)],
                Pieces = buffer._pieces.Count == 0 ? null : [.. buffer._pieces.GetRange(_position, count)],
            };
            _position += count;
            return chunk;
        }
    }

    /// <summary>Completes at the next change. Take it before looking, so that no change is missed.</summary>
    public Task Changed => _changed.Task;

    private void CutTo(int count)
    {
        _rewinds.Add(new(count));
        _tokens.RemoveRange(count, _tokens.Count - count);
        if (_pieces.Count > count) _pieces.RemoveRange(count, _pieces.Count - count);
    }

    private void Signal()
    {
        var signal = _changed;
        _changed = NewSignal();
        signal.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Rewind(int Offset);
}
