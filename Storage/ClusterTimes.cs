namespace Emu3.Storage;

/// <summary>
/// How long processes of a cluster wait for one another, in one place because one bounds the other: what a grain asks of the database has an end, good or bad,
/// before the call that needs it is given up: <c>DatabaseConnect + DatabaseCommand + DatabaseCancel &lt; GrainCall</c>. Otherwise callers would hear of a
/// timeout, and nobody of the database.
/// </summary>
public static class ClusterTimes
{
    /// <summary>A call of a grain, from another or from a gateway. A client's must exceed half of a silo's: so long a silo holds an enumerator's call.</summary>
    public static readonly TimeSpan GrainCall = TimeSpan.FromSeconds(10);

    /// <summary>A connection to the database, new or from the pool.</summary>
    public static readonly TimeSpan DatabaseConnect = TimeSpan.FromSeconds(4);

    /// <summary>One statement.</summary>
    public static readonly TimeSpan DatabaseCommand = TimeSpan.FromSeconds(4);

    /// <summary>The answer to a request to cancel a statement that took too long; then the connection is closed.</summary>
    public static readonly TimeSpan DatabaseCancel = TimeSpan.FromSeconds(1);

    /// <summary>A silo writes into the membership table that it lives.</summary>
    public static readonly TimeSpan MembershipSign = TimeSpan.FromSeconds(5);

    /// <summary>A silo that has not done so for longer counts as silent, to Orleans: whoever joins then looks whether it answers.</summary>
    public static readonly TimeSpan MembershipSilence = 3 * MembershipSign;
}
