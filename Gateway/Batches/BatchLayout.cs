namespace Emu3.Gateway.Batches;

/// <summary>Which items of a batch's job come of which line: those of one line stand together, in the order of lines. A line that was refused has none.</summary>
internal sealed class BatchLayout
{
    /// <summary>The first item of each line, and behind the last one the number of all; empty when each line has one item.</summary>
    private readonly int[] _starts;

    /// <param name="sampleCounts">Items of each line; empty when each has one.</param>
    public BatchLayout(byte[] sampleCounts)
    {
        _starts = sampleCounts.Length == 0 ? [] : new int[sampleCounts.Length + 1];
        for (var line = 0; line < sampleCounts.Length; line++) _starts[line + 1] = _starts[line] + sampleCounts[line];
        RefusedCount = sampleCounts.Count(count => count == 0);
        IsOneAtMost = Array.TrueForAll(sampleCounts, count => count <= 1);
    }

    /// <summary>Lines that have no items, as they could not run.</summary>
    public int RefusedCount { get; }

    /// <summary>No line has several items.</summary>
    public bool IsOneAtMost { get; }

    /// <summary>Each line has one item, of its own number.</summary>
    public bool IsOneEach => _starts.Length == 0;

    /// <summary>Lines that all items together come of.</summary>
    public int LineCount(int itemCount) => IsOneEach ? itemCount : _starts.Length - 1;

    /// <summary>The line, from 0, that an item comes of.</summary>
    public int LineOf(int item)
    {
        if (IsOneEach) return item;
        var found = Array.BinarySearch(_starts, item);
        if (found < 0) return ~found - 1;
        while (_starts[found + 1] == item) found++; // refused lines begin where the next one does
        return found;
    }

    /// <summary>Items of a line.</summary>
    public int SampleCount(int line) => IsOneEach ? 1 : _starts[line + 1] - _starts[line];
}
