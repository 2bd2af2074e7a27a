namespace Emu3.Storage.Clocks;

/// <summary>
/// Generations: the numbers by which Orleans tells successive silos at one address apart. It takes them from the wall clock, in seconds: after the clock was set
/// back, a silo that starts again at its old address would have a lower generation than its predecessor, take itself for the older one, and stop.
/// </summary>
internal static class SiloGenerations
{
    /// <summary>A table that says more than this ahead is not followed: each second takes a call.</summary>
    private const int MaxAhead = 10 * 365 * 24 * 3600;

    /// <summary>Sees to it that silos which this process starts get numbers above one that a table has.</summary>
    public static void Exceed(int newest)
    {
        // Each call gives the seconds of the clock, or one more than the call before.
        var generation = SiloAddress.AllocateNewGeneration();
        if (newest - (long)generation > MaxAhead) return;
        while (generation < newest) generation = SiloAddress.AllocateNewGeneration();
    }
}
