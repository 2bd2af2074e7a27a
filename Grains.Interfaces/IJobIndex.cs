namespace Emu3.Grains.Interfaces;

/// <summary>The ids of jobs that have not ended, spread over 16 grains by hash. Its reminder wakes everything after a whole-cluster crash.</summary>
[Alias("emu3.IJobIndex")]
public interface IJobIndex : IGrainWithIntegerKey
{
    /// <summary>Grains that share the index.</summary>
    public const int PartCount = 16;

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Add")] Task Add(JobId job);

    /// <summary>Durable when it returns. Idempotent.</summary>
    [Alias("Remove")] Task Remove(JobId job);

    [Alias("List")] Task<IReadOnlyList<JobId>> List();

    /// <summary>The part that a job belongs to.</summary>
    public static long PartOf(JobId job) => Convert.ToInt64(job.Value[^1..], 16);
}
