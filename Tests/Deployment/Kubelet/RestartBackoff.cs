namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>
/// How long a container that has ended waits before it is started again: twice as long each time, to a limit, and from the start again after a long run.
/// A kubelet begins at 10 s and goes to 5 minutes; this one is ten times as fast and goes to 10 s, since tests wait for it. No clock.
/// </summary>
internal sealed class RestartBackoff
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan LongRun = TimeSpan.FromMinutes(1);
    private TimeSpan _next = First;

    /// <summary>How long to wait now.</summary>
    /// <param name="ran">How long it ran before it ended.</param>
    public TimeSpan Next(TimeSpan ran)
    {
        if (ran >= LongRun) _next = First;
        var now = _next;
        _next = now * 2 < Longest ? now * 2 : Longest;
        return now;
    }
}
