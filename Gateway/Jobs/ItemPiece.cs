using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>Items that go to a shard in one call: of one shard, and small enough for a message.</summary>
/// <param name="firstItem">Index of the first in its job.</param>
internal sealed class ItemPiece(int firstItem)
{
    /// <summary>Below the 512 KiB that a call may take, since sizes are counted from above and the job's own spec goes with them.</summary>
    private const int MaxBytes = 400 << 10;
    private readonly List<ItemSpec> _specs = [];
    private readonly List<int> _lines = [];
    private readonly List<string> _textFields = [];
    private int _bytes;

    public int FirstItem => firstItem;

    public IReadOnlyList<ItemSpec> Specs => _specs;

    /// <summary>The line of each spec.</summary>
    public IReadOnlyList<int> Lines => _lines;

    /// <summary>See <see cref="Emu3.Grains.Interfaces.Requests.ItemRequest.TextField"/>, of each spec.</summary>
    public IReadOnlyList<string> TextFields => _textFields;

    public bool HasRoomFor(ItemSpec spec) =>
        _specs.Count == 0 || firstItem % JobId.ItemsInShard + _specs.Count < JobId.ItemsInShard && _bytes + BytesOf(spec) <= MaxBytes;

    public void Add(ItemSpec spec, int line, string textField)
    {
        _specs.Add(spec);
        _lines.Add(line);
        _textFields.Add(textField);
        _bytes += BytesOf(spec);
    }

    /// <summary>Places of the first spec of each line.</summary>
    public IReadOnlyList<int> FirstsOfItems() => [.. Enumerable.Range(0, _specs.Count).Where(i => i == 0 || _lines[i] != _lines[i - 1])];

    /// <summary>An upper bound: three bytes a UTF-16 unit, and room for the numbers.</summary>
    private static int BytesOf(ItemSpec spec)
    {
        var length = spec.Id.Length + (spec.Image is { } image ? image.Prompt.Length + image.NegativePrompt.Length : 0)
            + (spec.Chat?.Turns.Sum(turn => turn.Role.Length + 16 + turn.Parts.Sum(part => (part.Text?.Length ?? 0) + (part.PictureBlob?.Length ?? 0) + 16)) ?? 0)
            + (spec.Chat?.Stop?.Sum(stop => stop.Length + 16) ?? 0);
        return 256 + 3 * length;
    }
}
