namespace Emu3.Tests.Unit.Inference.Weights;

/// <summary>A folder for the files of one test; deleted on dispose.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("emu3-test-");

    public string Path => folder.FullName;

    /// <summary>Writes a file and gives its path.</summary>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>Writes a text file and gives its path.</summary>
    public string Write(string name, string content) => Write(name, System.Text.Encoding.UTF8.GetBytes(content));

    public void Dispose() => folder.Delete(recursive: true);
}
