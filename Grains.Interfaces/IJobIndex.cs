namespace Emu3.Grains.Interfaces;

/// <summary>
/// The ids of jobs that something remains to be done for, spread over 16 grains by hash: those that have not ended, and deleted ones until nothing can be
/// left of them. Its reminder wakes everything after a whole-cluster crash.
/// </summary>
[Alias("emu3.IJobIndex")]
public interface IJobIndex : IGrainWithIntegerKey
{
    /// <summary>Grains that share the index.</summary>
    public const int PartCount = 16;

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Add")] Task Add(JobId job);

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Remove")] Task Remove(JobId job);

    /// <summary>The job was deleted: it is listed again from that time on, for what was written of it meanwhile. Durable when it returns. Idempotent.</summary>
    [Alias("Bury")] Task Bury(JobId job, DateTimeOffset until);

    /// <summary>Jobs to look after now.</summary>
    [Alias("List")] Task<IReadOnlyList<JobId>> List();

    /// <summary>The part that a job belongs to.</summary>
    public static long PartOf(JobId job) => Convert.ToInt64(job.Value[^1..], 16);
}
