using System.Text;
using Emu3.Cli.Batch.Plan;
using Emu3.Storage.Blobs;

namespace Emu3.Cli.Batch;

/// <summary>
/// The output folder of a batch: pictures, <c>metadata.jsonl</c>, contact sheet, and in <c>.emu3</c> what is needed to go on after any crash.
/// One process at a time. What a method promises to be in the folder is on the disk when it returns.
/// </summary>
internal sealed class BatchFolder : IDisposable
{
    private const string StateFolder = ".emu3";
    private const string JournalFile = "journal.jsonl";
    private const string MetadataFile = "metadata.jsonl";

    private readonly FileStream _lock;
    private readonly AppendedLines _journal;
    private readonly AppendedLines _metadata;
    private readonly string _arrivals;
    private int _arrivalCount;

    private BatchFolder(string path, FileStream @lock, AppendedLines journal, AppendedLines metadata, string arrivals, BatchContents contents)
    {
        (Path, _lock, _journal, _metadata, _arrivals, Contents) = (path, @lock, journal, metadata, arrivals, contents);
    }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    public BatchContents Contents { get; }

    /// <summary>Opens the folder, makes it where there is none, and repairs what a crash left.</summary>
    /// <exception cref="CommandException">It can't be written to, another process uses it, or it holds someone else's <c>metadata.jsonl</c>.</exception>
    public static BatchFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var state = System.IO.Path.Combine(path, StateFolder);
        var arrivals = System.IO.Path.Combine(state, "arriving");
        FileStream? @lock = null;
        AppendedLines? journal = null;
        AppendedLines? metadata = null;
        try
        {
            Directory.CreateDirectory(state);
            @lock = Lock(path, state);
            if (Directory.Exists(arrivals))
            {
                Directory.Delete(arrivals, recursive: true);
            }

            Directory.CreateDirectory(arrivals);
            (journal, var journalLines) = AppendedLines.Open(System.IO.Path.Combine(state, JournalFile));
            (metadata, var metadataLines) = AppendedLines.Open(System.IO.Path.Combine(path, MetadataFile));
            return new(path, @lock, journal, metadata, arrivals, BatchContents.Of(journalLines, metadataLines));
        }
        catch (Exception e)
        {
            metadata?.Dispose();
            journal?.Dispose();
            @lock?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
            {
                throw CommandException.BadInput($"The output folder {path} can't be used: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>What a folder has, without touching it; nothing when it is not there.</summary>
    public static BatchContents Peek(string path) => BatchContents.Of(
        AppendedLines.Peek(System.IO.Path.Combine(path, StateFolder, JournalFile)), AppendedLines.Peek(System.IO.Path.Combine(path, MetadataFile)));

    /// <summary>Whether what a record tells of is in a folder. Answers are in the record itself.</summary>
    public static bool IsThere(string path, MetadataRecord record) => !record.IsPicture || File.Exists(System.IO.Path.Combine(path, record.FileName!));

    public bool IsThere(MetadataRecord record) => IsThere(Path, record);

    /// <summary>Writes down what happens or is about to.</summary>
    public void Write(IReadOnlyCollection<JournalEntry> entries)
    {
        if (entries.Count == 0)
        {
            return;
        }

        _journal.Append(entries.Select(entry => entry.ToLine()));
        foreach (var entry in entries)
        {
            Contents.History.Apply(entry);
        }
    }

    /// <summary>Puts a file that arrived beside the folder's own, from where <see cref="Commit"/> takes it.</summary>
    /// <returns>Its path.</returns>
    public async Task<string> ReceiveAsync(byte[] file, CancellationToken cancellationToken)
    {
        var path = System.IO.Path.Combine(_arrivals, Interlocked.Increment(ref _arrivalCount).ToString(System.Globalization.CultureInfo.InvariantCulture));
        await using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        await stream.WriteAsync(file, cancellationToken);
        stream.Flush(flushToDisk: true);
        return path;
    }

    /// <summary>Takes outputs into the folder: files under their names first, then their records.</summary>
    /// <param name="outputs">Records, each with the path that <see cref="ReceiveAsync"/> gave; null for answers.</param>
    public void Commit(IReadOnlyCollection<(MetadataRecord Record, string? Arrival)> outputs)
    {
        var folders = new HashSet<string>();
        foreach (var (record, arrival) in outputs.Where(output => output.Arrival is not null))
        {
            var target = System.IO.Path.Combine(Path, record.FileName!);
            var folder = System.IO.Path.GetDirectoryName(target)!;
            if (folders.Add(folder) && !Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder);
                folders.Add(Path);
            }

            File.Move(arrival!, target, overwrite: true);
        }

        foreach (var folder in folders)
        {
            FolderSync.Flush(folder);
        }

        if (outputs.Count > 0)
        {
            _metadata.Append(outputs.Select(output => output.Record.Json));
        }

        foreach (var (record, _) in outputs)
        {
            Contents.Add(record);
        }
    }

    /// <summary>Takes outputs out: their records, then their files.</summary>
    public void Remove(IReadOnlyCollection<OutputKey> keys)
    {
        var records = keys.Select(key => Contents.Records.GetValueOrDefault(key)).OfType<MetadataRecord>().ToList();
        if (records.Count == 0)
        {
            return;
        }

        foreach (var record in records)
        {
            Contents.Remove(record.Key);
        }

        _metadata.Rewrite(Contents.Records.Values.Select(record => record.Json));
        foreach (var record in records.Where(record => record.IsPicture))
        {
            File.Delete(System.IO.Path.Combine(Path, record.FileName!));
        }
    }

    /// <summary>Brings records into the order of the input, and writes the contact sheet.</summary>
    public void Tidy(IReadOnlyList<PlannedOutput> outputs, string title, Func<MetadataRecord, ContactSheetEntry> toEntry)
    {
        var records = Contents.InOrderOf(outputs).ToList();
        _metadata.Rewrite(records.Select(record => record.Json));
        var pages = ContactSheet.Pages(title, [.. records.Select(toEntry)]).ToList();
        foreach (var (name, html) in pages)
        {
            var arrival = System.IO.Path.Combine(_arrivals, name);
            File.WriteAllText(arrival, html, new UTF8Encoding(false));
            File.Move(arrival, System.IO.Path.Combine(Path, name), overwrite: true);
        }

        // Pages of a time when there were more.
        for (var page = pages.Count + 1; File.Exists(System.IO.Path.Combine(Path, ContactSheet.PageName(page))); page++)
        {
            File.Delete(System.IO.Path.Combine(Path, ContactSheet.PageName(page)));
        }

        if (Contents.History.Open.Count == 0)
        {
            _journal.Rewrite(Contents.History.Compacted().Select(entry => entry.ToLine()));
        }
    }

    public void Dispose()
    {
        _metadata.Dispose();
        _journal.Dispose();
        _lock.Dispose();
    }

    private static FileStream Lock(string path, string state)
    {
        try
        {
            return new(System.IO.Path.Combine(state, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw CommandException.BadInput($"Another emu3 batch is writing to {path}: let it end, or choose another --out.", e);
        }
    }
}
