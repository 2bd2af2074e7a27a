using Emu3.Gateway.Diagnosis;

namespace Emu3.Gateway.Contracts;

/// <summary>Where a job's items are that have not ended, and why. <see cref="Job"/> is null when it did not answer itself.</summary>
internal sealed record DiagnosisAnswer(JobAnswer? Job, IReadOnlyList<JobFinding> Findings)
{
    public string Object { get; } = "job.diagnosis";
}
