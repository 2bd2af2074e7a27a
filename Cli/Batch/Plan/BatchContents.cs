namespace Emu3.Cli.Batch.Plan;

/// <summary>What an output folder has: its history and what was made.</summary>
internal sealed class BatchContents
{
    private readonly Dictionary<OutputKey, MetadataRecord> _records = [];

    public BatchHistory History { get; } = new();

    public IReadOnlyDictionary<OutputKey, MetadataRecord> Records => _records;

    /// <summary>From the lines of <c>journal.jsonl</c> and <c>metadata.jsonl</c>. Of two records of one output the later one counts.</summary>
    public static BatchContents Of(IEnumerable<string> journal, IEnumerable<string> metadata)
    {
        var contents = new BatchContents();
        foreach (var line in journal)
        {
            contents.History.Apply(JournalEntry.FromLine(line));
        }

        contents.History.DropUnfinishedSubmission();
        foreach (var line in metadata)
        {
            contents.Add(MetadataRecord.Parse(line));
        }

        return contents;
    }

    public void Add(MetadataRecord record) => _records[record.Key] = record;

    /// <summary>Names the pictures that were asked about as they are found now.</summary>
    /// <param name="namesOf">Of an item, by its id; none leaves the record as it is.</param>
    public void Rename(Func<string, IReadOnlyList<string>> namesOf)
    {
        foreach (var record in _records.Values.Where(record => !record.IsPicture).ToList())
        {
            Add(record.WithPictures(namesOf(record.Key.Id)));
        }
    }

    public bool Remove(OutputKey key) => _records.Remove(key);

    /// <summary>The records in the order of the input, then those of items that it does not have any more.</summary>
    public IEnumerable<MetadataRecord> InOrderOf(IEnumerable<PlannedOutput> outputs)
    {
        var order = outputs.ToDictionary(output => output.Key, output => output.Index);
        return _records.Values.OrderBy(record => order.GetValueOrDefault(record.Key, int.MaxValue));
    }
}
