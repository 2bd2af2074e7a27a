using Emu3.Storage;
using Emu3.Storage.Embedded;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
public sealed class DataFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TryLock_WhileAnotherHasIt_GivesNull_AndTheAddressOfThatOne()
    {
        var first = DataFolder.At(_folder.PathTo("data"));
        var second = DataFolder.At(_folder.PathTo("data"));
        using (var held = first.TryLock())
        {
            Assert.NotNull(held);
            Assert.Null(second.TryLock());
            Assert.Null(second.ReadServerAddress());

            held.PublishServerAddress(new Uri("http://127.0.0.1:8080/"));
            Assert.Equal(new Uri("http://127.0.0.1:8080/"), second.ReadServerAddress());
        }

        Assert.Null(second.ReadServerAddress());
        using var again = second.TryLock();
        Assert.NotNull(again);
    }

    [Fact]
    public void TryLock_ForgetsTheAddressOfAProcessThatWasKilled()
    {
        var folder = DataFolder.At(_folder.FullPath);
        File.WriteAllText(_folder.PathTo("server.json"), """{"Address":"http://127.0.0.1:1/","ProcessId":1}""");
        Assert.NotNull(folder.ReadServerAddress());

        using var held = folder.TryLock();

        Assert.Null(folder.ReadServerAddress());
    }

    [Theory]
    [InlineData("state.db")]
    [InlineData("membership.db")]
    public void At_AFolderOfALaterRelease_IsRefused(string file)
    {
        using (var db = new SqliteDb(_folder.PathTo(file), ""))
        using (var connection = db.Open())
        {
            connection.Scalar(null, "PRAGMA user_version=7");
        }

        var refused = Assert.Throws<DataFolderException>(() => DataFolder.At(_folder.FullPath));

        Assert.Contains(_folder.FullPath, refused.Message, StringComparison.Ordinal);
        Assert.Contains("programs from store version 7 on can use it", refused.Message, StringComparison.Ordinal);
        DataFolder.At(_folder.FullPath, new(8, 7));
    }

    [Fact]
    public void Share_BesideProcessesThatCouldNotGoOn_IsRefusedUntilTheyHaveEnded()
    {
        new SqliteDb(_folder.PathTo("state.db"), "").Dispose();
        var later = DataFolder.At(_folder.FullPath, new(2, 2));
        using (DataFolder.At(_folder.FullPath, new(1, 1)).Share())
        {
            DataFolder.At(_folder.FullPath, new(2, 1)).Share().Dispose();
            Assert.Contains("End all of them first", Assert.Throws<DataFolderException>(later.Share).Message, StringComparison.Ordinal);
        }

        later.Share().Dispose();
    }

    [Fact]
    public void Share_LetsTheClustersProcessesIn_AndNobodyAlone()
    {
        var folder = DataFolder.At(_folder.FullPath);
        Assert.False(folder.IsShared());
        using (folder.Share())
        {
            using var second = folder.Share();
            Assert.Null(folder.TryLock());
            Assert.True(folder.IsShared());
        }

        using var alone = folder.TryLock();
        Assert.NotNull(alone);
        Assert.False(folder.IsShared());
    }

    [Fact]
    public void Share_OfAFolderThatOneProcessHas_SaysWho()
    {
        var folder = DataFolder.At(_folder.FullPath);
        using var held = folder.TryLock();
        held!.PublishServerAddress(new Uri("http://127.0.0.1:8080/"));

        var refused = Assert.Throws<DataFolderException>(folder.Share);

        Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:8080/", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void At_AFileOfThatName_SaysWhy()
    {
        File.WriteAllText(_folder.PathTo("file"), "");

        var refused = Assert.Throws<DataFolderException>(() => DataFolder.At(_folder.PathTo("file")));

        Assert.Contains(_folder.PathTo("file"), refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nfs4", true)]
    [InlineData("CIFS", true)]
    [InlineData("fuse.sshfs", true)]
    [InlineData("ext4", false)]
    [InlineData("xfs", false)]
    [InlineData("apfs", false)]
    [InlineData("overlay", false)]
    public void NetworkFileSystem_IsKnownByName(string name, bool isNetwork) => Assert.Equal(isNetwork, NetworkFileSystem.IsNetwork(name));
}
