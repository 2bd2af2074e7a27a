using System.Text.Json.Nodes;
using Emu3.Cli.Batch;
using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces;
using Emu3.Inference.Vision;

namespace Emu3.Cli.Verify;

/// <summary>The pictures that a batch has made, read and never written.</summary>
internal sealed class MadeFolder
{
    private readonly string _path;
    private readonly BatchContents _contents;

    private MadeFolder(string path, BatchContents contents) => (_path, _contents) = (path, contents);

    public int PictureCount => _contents.Records.Values.Count(record => record.IsPicture);

    /// <exception cref="CommandException">No batch has made pictures there.</exception>
    public static MadeFolder Open(string path)
    {
        var folder = new MadeFolder(path, BatchFolder.Peek(path));
        return folder.PictureCount > 0 ? folder : throw CommandException.BadInput($"{path} has no pictures that emu3 batch has made: there is nothing to verify.");
    }

    public IReadOnlyList<MetadataRecord> Choose(SampleSize size, ulong seed) => VerifySample.Choose(_contents.Records.Values, size, seed);

    /// <summary>Reads what is needed to make a picture again.</summary>
    /// <returns>The picture, or why it can't be checked.</returns>
    public (MadeOutput? Made, string? Obstacle) Read(MetadataRecord record)
    {
        var name = record.FileName!;
        try
        {
            if (PictureRecipe.Read(PictureMetadata.Read(File.ReadAllBytes(Path.Combine(_path, name)))) is not { } recipe)
                return (null, $"{name} has no recipe in it: it was made without one, or another program has written it.");
            var fields = JsonNode.Parse(record.Json)!;
            return (new(name, recipe, fields["numeric_class"]?.ToString(), fields["reproducible"]?.GetValue<bool>() ?? true, _contents.History.MadeBy(record.Key)), null);
        }
        catch (Exception unreadable) when (unreadable is PictureException or IOException or UnauthorizedAccessException)
        {
            return (null, $"{name} can't be read: {unreadable.Message}");
        }
    }
}
