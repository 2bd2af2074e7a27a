using Emu3.Grains.Canaries;
using Emu3.Tests.Cluster;

namespace Emu3.Tests.Unit.Grains.Canaries;

[Trait("Suite", "Fast")]
public sealed class RecentPicturesTests
{
    private readonly RecentPictures _pictures = new();

    [Fact]
    public void Draw_PrefersAnotherDevice_AndTheNewest()
    {
        Post(1, "a");
        Post(2, "a");
        Post(3, "b");

        Assert.Equal(["2", "1", "3", null], Draws("b", 4));
        Assert.Equal(["3", "2", "1", null], Draws("a", 4));
    }

    [Fact]
    public void Post_OfAnItemThatIsThere_ChangesNothing()
    {
        Post(1, "a");
        Post(1, "b");

        Assert.Equal(["1", null], Draws("b", 2));
    }

    [Fact]
    public void Post_BeyondTheMost_ForgetsTheOldest()
    {
        for (var item = 0; item <= RecentPictures.Most; item++) Post(item, "a");

        var drawn = Draws("b", RecentPictures.Most + 1);

        Assert.Equal("1", drawn[^2]);
        Assert.Null(drawn[^1]);
    }

    private void Post(int item, string device) => _pictures.Post(new($"{item}", TestJobs.Image(item), [], device));

    private List<string?> Draws(string device, int count) => [.. Enumerable.Range(0, count).Select(_ => _pictures.Draw(device)?.Item)];
}
