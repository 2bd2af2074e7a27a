namespace Emu3.Storage;

/// <summary>
/// Timeouts between the processes of a cluster, in one place because one bounds the other: a database call must succeed or fail before the grain call that
/// needs it times out (<c>DatabaseConnect + DatabaseCommand + DatabaseCancel &lt; GrainCall</c>). Otherwise callers see a timeout, and the database's error is
/// lost.
/// </summary>
public static class ClusterTimes
{
    /// <summary>A grain call, from another grain or from a gateway. A client's timeout must exceed half of a silo's, since a silo holds an enumerator's call that long.</summary>
    public static readonly TimeSpan GrainCall = TimeSpan.FromSeconds(10);

    /// <summary>A connection to the database, new or from the pool.</summary>
    public static readonly TimeSpan DatabaseConnect = TimeSpan.FromSeconds(4);

    /// <summary>One statement.</summary>
    public static readonly TimeSpan DatabaseCommand = TimeSpan.FromSeconds(4);

    /// <summary>The answer to a request to cancel a statement that took too long; then the connection is closed.</summary>
    public static readonly TimeSpan DatabaseCancel = TimeSpan.FromSeconds(1);

    /// <summary>Period in which a silo renews its entry in the membership table (Orleans' IAmAlive).</summary>
    public static readonly TimeSpan MembershipSign = TimeSpan.FromSeconds(5);

    /// <summary>Orleans treats a silo that has not renewed its entry for longer as silent: a joining silo then probes it.</summary>
    public static readonly TimeSpan MembershipSilence = 3 * MembershipSign;
}
