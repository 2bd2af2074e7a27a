using System.Text;
using System.Text.Json;
using Emu3.Storage.Blobs;

namespace Emu3.Cli.Batch;

/// <summary>
/// A file of JSON lines that only grows, and survives being cut off at any byte: a last line that is not whole was never acknowledged and is taken away
/// when the file is opened.
/// </summary>
internal sealed class AppendedLines : IDisposable
{
    private readonly string _path;
    private FileStream _stream;

    private AppendedLines(string path, FileStream stream) => (_path, _stream) = (path, stream);

    /// <summary>Opens the file, or makes an empty one; gives the whole lines that it holds.</summary>
    /// <exception cref="CommandException">A line before the last one is not JSON: someone else wrote it.</exception>
    public static (AppendedLines File, IReadOnlyList<string> Lines) Open(string path)
    {
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var lines = WholeLines(bytes, out var length, path);
            stream.SetLength(length);
            stream.Position = length;
            return (new(path, stream), lines);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The whole lines of a file, without touching it; none when there is no file.</summary>
    public static IReadOnlyList<string> Peek(string path) => File.Exists(path) ? WholeLines(File.ReadAllBytes(path), out _, path) : [];

    /// <summary>The lines of <paramref name="bytes"/> that end in a line feed and are JSON objects, and where the last of them ends.</summary>
    public static IReadOnlyList<string> WholeLines(ReadOnlySpan<byte> bytes, out int length, string path)
    {
        var lines = new List<string>();
        length = 0;
        while (bytes[length..].IndexOf((byte)'\n') is >= 0 and var end)
        {
            var line = bytes.Slice(length, end);
            var next = length + end + 1;
            if (!IsJsonObject(line))
            {
                return next == bytes.Length ? lines : throw CommandException.BadInput($"Line {lines.Count + 1} of {path} is not a JSON object: repair it or move the file away.");
            }

            lines.Add(Encoding.UTF8.GetString(line));
            length = next;
        }

        return lines;
    }

    /// <summary>Adds lines; they are on the disk when this returns.</summary>
    public void Append(IEnumerable<string> lines)
    {
        _stream.Write(Bytes(lines));
        _stream.Flush(flushToDisk: true);
    }

    /// <summary>Replaces all lines in one step: whoever opens the file finds the old ones or the new ones.</summary>
    public void Rewrite(IEnumerable<string> lines)
    {
        var temporary = _path + ".new";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            stream.Write(Bytes(lines));
            stream.Flush(flushToDisk: true);
        }

        _stream.Dispose();
        File.Move(temporary, _path, overwrite: true);
        FolderSync.Flush(Path.GetDirectoryName(_path)!);
        _stream = new(_path, FileMode.Append, FileAccess.Write, FileShare.Read);
    }

    public void Dispose() => _stream.Dispose();

    private static byte[] Bytes(IEnumerable<string> lines) => Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));

    private static bool IsJsonObject(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            return JsonDocument.TryParseValue(ref reader, out var document) && IsObject(document) && reader.BytesConsumed == line.TrimEnd(" \r\t"u8).Length;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsObject(JsonDocument document)
    {
        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
    }
}
