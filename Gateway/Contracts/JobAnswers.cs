using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Contracts;

/// <summary>What an item event of a job carries: the item that ended, and the job at that time.</summary>
internal sealed record ItemEventAnswer(OutcomeAnswer Outcome, JobAnswer Job);

/// <summary>A page of outcomes. Ask with <c>after=next</c> for the following ones.</summary>
internal sealed record OutcomePage(IReadOnlyList<OutcomeAnswer> Data, string Next, bool HasMore)
{
    public string Object { get; } = "list";
}

/// <summary>A page of a job's items in the order of their indices. Ask with <c>from=next</c> for the following ones; null at the end.</summary>
internal sealed record ItemPage(IReadOnlyList<OutcomeAnswer> Data, int? Next)
{
    public string Object { get; } = "list";
}

/// <summary>A page of jobs, newest first. Ask with <c>after=next</c> for the following ones; null at the end.</summary>
internal sealed record JobPage(IReadOnlyList<JobAnswer> Data, string? Next)
{
    public string Object { get; } = "list";
    public bool HasMore => Next is not null;
}

/// <summary>What a job would take; nothing was created.</summary>
internal sealed record ValidationAnswer
{
    public string Object { get; } = "job.validation";
    public required int Items { get; init; }
    public required int Outputs { get; init; }
    public required IReadOnlyList<LineError> LineErrors { get; init; }
    public required PositionsAnswer Positions { get; init; }

    /// <summary>Bytes of all files, from their pixels: a guess.</summary>
    public required long EstimatedBytes { get; init; }

    /// <summary>At the rate that the workers show now; null when none has shown one.</summary>
    public double? EstimatedSeconds { get; init; }

    /// <summary><c>measured</c>, <c>predicted</c>, or <c>unknown</c>: no worker is there, and prompts are not counted yet.</summary>
    public required string EstimateBasis { get; init; }
}

/// <summary>Cache positions: of the largest item, of all together, and what the model has for one.</summary>
internal sealed record PositionsAnswer(long Max, long Sum, long Limit);

/// <summary>Where all files of a job are, for a while and without a key.</summary>
internal sealed record ArchiveAnswer(string Url);

/// <summary>Tokens of one item.</summary>
internal sealed record TokensAnswer(int Epoch, int Offset, int[] Tokens, string[]? Pieces);

/// <summary>Everything from this offset on is void.</summary>
internal sealed record RewindAnswer(int Epoch, int Offset);
