namespace Emu3.Grains.Interfaces;

/// <summary>
/// What a job wants of its shards. The job stores a new state before it sends it, and a shard applies only a higher revision than it has: a message that is lost,
/// late or repeated does no harm, and the next reconciliation brings the latest.
/// </summary>
/// <param name="Revision">Grows with every change; 0: none was sent.</param>
/// <param name="IsPaused">Nothing is given out; what runs is taken back.</param>
/// <param name="IsCancelled">Everything that has not ended ends. Never taken back.</param>
/// <param name="Priority">Of everything that waits.</param>
/// <param name="Attempt">From 1. With a higher one than it had, a shard begins its failed items anew.</param>
[GenerateSerializer, Immutable, Alias("emu3.JobOrders")]
public readonly record struct DesiredState(
    [property: Id(0)] int Revision, [property: Id(1)] bool IsPaused, [property: Id(2)] bool IsCancelled,
    [property: Id(3)] JobPriority Priority, [property: Id(4)] int Attempt)
{
    /// <summary>Of a shard that was sent nothing.</summary>
    public static DesiredState None { get; } = new(0, false, false, JobPriority.Normal, 1);

    /// <summary>What a job begins with.</summary>
    public static DesiredState First(JobPriority priority) => new(1, false, false, priority, 1);
}
