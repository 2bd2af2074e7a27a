namespace Emu3.Grains.Interfaces;

/// <summary>
/// A turn in a job's life, on the stream <see cref="Stream"/> under the job's id: a hint that may be lost or repeated.
/// Truth is <see cref="IGenerationJob.GetSnapshot"/>.
/// </summary>
/// <param name="Id">The same for every telling of the same turn.</param>
/// <param name="Job">The job.</param>
/// <param name="Status">What it turned to.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("emu3.JobLifecycleEvent")]
public sealed record JobLifecycleEvent(
    [property: Id(0)] string Id, [property: Id(1)] JobId Job, [property: Id(2)] JobStatus Status, [property: Id(3)] DateTimeOffset At)
{
    /// <summary>Name of the stream provider and of the stream's namespace.</summary>
    public const string Stream = "jobs";
}
