using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Emu3.Inference.Weights;

/// <summary>
/// The bytes of a checkpoint's files. A repository that was cloned without Git LFS has pointers in the place of its large files, a few lines of text each
/// (github.com/git-lfs/git-lfs, docs/spec.md): whoever would read one says so, instead of what a parser makes of it.
/// </summary>
internal static partial class CheckpointFile
{
    /// <summary>Pointers are shorter.</summary>
    private const int LongestPointer = 1024;

    /// <summary>The content, without a byte order mark before it.</summary>
    /// <exception cref="CheckpointException">It is a pointer.</exception>
    public static ReadOnlyMemory<byte> ReadAll(string path)
    {
        var content = File.ReadAllBytes(path);
        RefusePointer(path, content);
        return content.AsSpan().StartsWith("\uFEFF"u8) ? content.AsMemory(3) : content;
    }

    /// <summary>The same as text, its lines ending with line feeds, as Python reads it.</summary>
    /// <exception cref="CheckpointException">It is a pointer.</exception>
    public static string ReadText(string path) => Encoding.UTF8.GetString(ReadAll(path).Span).Replace("\r\n", "\n", StringComparison.Ordinal);

    /// <summary>Looks whether a file is a pointer without reading more than one would have.</summary>
    /// <exception cref="CheckpointException">It is.</exception>
    public static void RefusePointer(string path, FileStream file)
    {
        if (file.Length > LongestPointer)
        {
            return;
        }

        var content = new byte[file.Length];
        file.ReadExactly(content);
        file.Position = 0;
        RefusePointer(path, content);
    }

    private static void RefusePointer(string path, ReadOnlySpan<byte> content)
    {
        if (content.Length <= LongestPointer && content.StartsWith("version https://git-lfs.github.com/spec/"u8))
        {
            var size = Size().Match(Encoding.UTF8.GetString(content));
            var missing = size.Success ? string.Create(CultureInfo.InvariantCulture, $", which has {size.Groups[1].Value} bytes") : "";
            throw new CheckpointException(
                $"{path} is a Git LFS pointer and not the file itself{missing}: the repository was cloned without its large files. Run `git lfs pull` in {Path.GetDirectoryName(path)}, or fetch the checkpoint with `hf download`.");
        }
    }

    [GeneratedRegex(@"^size (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Size();
}
