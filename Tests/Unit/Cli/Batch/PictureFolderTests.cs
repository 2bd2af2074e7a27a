using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Cli.Batch;

/// <summary>Which files of a folder are found, under which names.</summary>
[Trait("Suite", "Fast")]
public sealed class PictureFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void List_AnyEndings_InTheOrderOfTheirNames_WithoutWhatIsHidden()
    {
        Put("b.jfif", "sub/a.jpe", "a", "z.gif", ".hidden.png", ".git/x.png", "Thumbs.db", "sub/desktop.ini");
        Assert.Equal(["a", "b.jfif", "sub/a.jpe", "z.gif"], PictureFolder.List(_folder.PathTo("photos")).Files);
    }

    [Fact]
    public void List_FoldersLinkedInACircle_AreVisitedOnce_UnderTheirRealNames()
    {
        Put("y/deep/a.png", "b.png");
        Directory.CreateSymbolicLink(_folder.PathTo("photos", "a-link"), _folder.PathTo("photos", "y"));
        Directory.CreateSymbolicLink(_folder.PathTo("photos", "y", "deep", "up"), _folder.PathTo("photos"));
        Directory.CreateSymbolicLink(_folder.PathTo("photos", "self"), _folder.PathTo("photos", "self"));
        var (files, skipped) = PictureFolder.List(_folder.PathTo("photos"));
        Assert.Equal(["b.png", "y/deep/a.png"], files);
        Assert.Equal("self", Assert.Single(skipped).Name);
    }

    [Fact]
    public void List_FolderElsewhereLinkedTwice_IsVisitedOnce()
    {
        Put("a.png");
        Directory.CreateDirectory(_folder.PathTo("other"));
        File.WriteAllText(_folder.PathTo("other", "c.png"), "x");
        Directory.CreateSymbolicLink(_folder.PathTo("photos", "one"), _folder.PathTo("other"));
        Directory.CreateSymbolicLink(_folder.PathTo("photos", "two"), _folder.PathTo("other"));
        File.CreateSymbolicLink(_folder.PathTo("photos", "file-link.png"), _folder.PathTo("other", "c.png"));
        Assert.Equal(["a.png", "file-link.png", "one/c.png"], PictureFolder.List(_folder.PathTo("photos")).Files);
    }

    [Fact]
    public void List_EmptyFileAndDeadLink_AreSkippedWithTheirReasons()
    {
        Put("a.png");
        File.WriteAllText(_folder.PathTo("photos", "empty.png"), "");
        File.CreateSymbolicLink(_folder.PathTo("photos", "gone.png"), _folder.PathTo("nowhere.png"));
        var (files, skipped) = PictureFolder.List(_folder.PathTo("photos"));
        Assert.Equal(["a.png"], files);
        Assert.Equal([("empty.png", "is empty."), ("gone.png", "is a link that leads nowhere.")], skipped.Select(file => (file.Name, file.Reason)).Order());
    }

    private void Put(params string[] names)
    {
        foreach (var name in names)
        {
            var path = _folder.PathTo("photos", name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "x");
        }
    }
}
