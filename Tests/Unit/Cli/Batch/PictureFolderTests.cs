using System.Diagnostics;
using Emu3.Cli.Batch;
using Emu3.Grains.Interfaces.Requests;
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

    [Fact]
    public void List_NameThatIsNoUtf8_IsToldOf()
    {
        Put("a.png");
        // .NET can neither write nor remove such a name itself.
        Shell("cp a.png \"$(printf 'caf\\351.png')\" && mkdir \"$(printf 'd\\351')\"");
        var (files, skipped) = PictureFolder.List(_folder.PathTo("photos"));
        Shell("rm -r ./*");
        Assert.Equal(["a.png"], files);
        Assert.Equal(2, skipped.Count);
        Assert.All(skipped, file => Assert.Contains("not UTF-8", file.Reason, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("sub/a.png", "sub/a.png")]
    [InlineData("a\nb.gif", "-a_b.gif")]
    public void IdOf_Name_IsTheName_WhereItCanBe(string name, string end) => Assert.EndsWith(end, PictureFolder.IdOf(name), StringComparison.Ordinal);

    [Fact]
    public void IdOf_LongNames_AreShortAndDistinct()
    {
        var (one, other) = ($"{new string('x', 300)}/a.png", $"{new string('y', 300)}/a.png");
        Assert.All((string[])[one, other], name => Assert.InRange(PictureFolder.IdOf(name).Length, 1, RequestLimits.IdLength));
        Assert.NotEqual(PictureFolder.IdOf(one), PictureFolder.IdOf(other));
    }

    private void Shell(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { WorkingDirectory = _folder.PathTo("photos") })!;
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
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
