using Emu3.Storage;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
public sealed class WritableFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folder_ThatIsMissing_IsMade_AndNothingIsLeftInIt()
    {
        var path = _folder.PathTo("a/b");
        WritableFolder.Require(path, "blob folder", "Name another.");
        Assert.Empty(Directory.GetFileSystemEntries(path));
    }

    /// <summary>Root may write anywhere, but not below a file, nor where the kernel has no files.</summary>
    [Fact]
    public void Folder_ThatCannotBeWritten_IsToldWithItsPathAndTheRemedy()
    {
        File.WriteAllText(_folder.PathTo("file"), "");
        foreach (var path in (string[])[_folder.PathTo("file/below"), "/proc/emu3", "/proc"])
        {
            if (path.StartsWith("/proc", StringComparison.Ordinal) && !OperatingSystem.IsLinux()) continue;
            var refused = Assert.Throws<DataFolderException>(() => WritableFolder.Require(path, "blob folder", "Name another."));
            Assert.StartsWith($"The blob folder {path} can't be written: ", refused.Message, StringComparison.Ordinal);
            Assert.EndsWith("Name another.", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void DataFolder_ThatCannotBeWritten_SaysSo()
    {
        File.WriteAllText(_folder.PathTo("file"), "");
        var refused = Assert.Throws<DataFolderException>(() => DataFolder.At(_folder.PathTo("file/data")));
        Assert.Contains("--data", refused.Message, StringComparison.Ordinal);
    }
}
