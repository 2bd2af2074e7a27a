using Emu3.Storage.Clocks;

namespace Emu3.Tests.Unit.Storage.Clocks;

[Trait("Suite", "Fast")]
public sealed class SiloGenerationsTests
{
    [Fact]
    public void Generation_AfterOneThatIsAnHourAhead_IsNewer()
    {
        var ahead = SiloAddress.AllocateNewGeneration() + 3600;
        SiloGenerations.Exceed(ahead);
        Assert.True(SiloAddress.AllocateNewGeneration() > ahead);
    }

    /// <summary>A row that says something impossible does not keep a process from starting.</summary>
    [Fact]
    public void Generation_OfAnImpossibleFuture_IsNotFollowed()
    {
        SiloGenerations.Exceed(int.MaxValue);
        Assert.True(SiloAddress.AllocateNewGeneration() < int.MaxValue / 2);
    }
}
