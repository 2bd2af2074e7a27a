using System.Diagnostics;
using Emu3.Storage.Embedded;

namespace Emu3.Tests.Unit.Storage.Embedded;

[Trait("Suite", "Fast")]
public sealed class ProcessMarkTests
{
    [Fact]
    public void Mine_IsNotGone_AndSurvivesItsText()
    {
        var mine = ProcessMark.Mine!;

        Assert.False(mine.IsGone());
        Assert.Equal(mine, ProcessMark.Parse(mine.ToString()));
    }

    [Fact]
    public void IsGone_OfAnIdThatAnotherProcessHasNow() => Assert.True((ProcessMark.Mine! with { Began = "1" }).IsGone());

    [Fact]
    public void IsGone_OfAProcessBeforeTheMachinesLastStart() => Assert.True((ProcessMark.Mine! with { Boot = "another" }).IsGone());

    [Fact]
    public void IsGone_OfAnotherContainersProcess_IsNotSaid() => Assert.False((ProcessMark.Mine! with { Space = "pid:[1]", Began = "1" }).IsGone());

    [Fact]
    public async Task IsGone_OfAProcessThatWasKilled()
    {
        using var child = Process.Start("sleep", "60");
        var mark = ProcessMark.Mine! with { Id = child.Id, Began = ReadBegan(child.Id) };
        Assert.False(mark.IsGone());

        child.Kill();
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(mark.IsGone());
    }

    private static string ReadBegan(int id) => File.ReadAllText($"/proc/{id}/stat").Split(") ")[1].Split(' ')[19];
}
