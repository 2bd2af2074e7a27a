using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Jobs;

/// <summary>What holds for a submission beside what its body says.</summary>
internal sealed record SubmissionTerms
{
    /// <summary>Of jobs that are submitted as such, and of requests that somebody waits for.</summary>
    public static SubmissionTerms Usual { get; } = new();

    /// <summary>See <see cref="JobSpec.DueAt"/>.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>See <see cref="JobSpec.RefusedLineCount"/>.</summary>
    public int RefusedLineCount { get; init; }

    /// <summary>Errors that are collected before the rest is no longer looked at.</summary>
    public int MaxErrors { get; init; } = RequestLimits.LineErrors;

    /// <summary>Of each line the first error alone is kept, so that all lines can be judged however many errors one has.</summary>
    public bool KeepsOneErrorPerLine { get; init; }

    /// <summary>Workers say what items need. False: they have been asked before, and an item that does not fit fails when it runs.</summary>
    public bool IsMeasured { get; init; } = true;
}
