using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Makes the job of a batch that reports its invalid lines: of all others. Which these are is found out first, and kept (<see cref="RefusedLines"/>), since items are
/// numbered by what is left.
/// </summary>
internal sealed class ReportingSubmission(JobIntake intake, ModelCatalog catalog, RefusedLines refusedLines, IBlobStore blobs)
{
    private static readonly HashSet<int> s_none = [];

    /// <summary>What became of it; null when the cluster can't say yet.</summary>
    /// <param name="info">The batch.</param>
    /// <param name="check">Has seen all lines, and kept an error of each that is wrong.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<Result?> Run(BatchInfo info, BatchCheck check, CancellationToken cancellationToken)
    {
        var (model, wrongModel) = await ChooseModel(check, cancellationToken);
        if (wrongModel is not null) return IsPassing(wrongModel) ? null : Result.Failed(ErrorOf(wrongModel));
        var refused = (await refusedLines.Read(info, cancellationToken))?.ToDictionary(line => line.Line)
            ?? check.Errors.GroupBy(error => error.Line!.Value).ToDictionary(line => line.Key, line => RefusedLine.Of(line.First(), check.IdOf(line.Key)));

        // Once only to look, then for good: a line may still turn out to be wrong, as one whose picture was deleted meanwhile.
        for (var isCheckOnly = true; ; isCheckOnly = false)
        {
            if (refused.Count == check.LineCount) return Result.Failed([.. refused.Values.OrderBy(line => line.Line).Select(ErrorOf)]);
            if (!isCheckOnly) await refusedLines.Write(info, refused.Values, cancellationToken);
            var terms = new SubmissionTerms
            {
                DueAt = BatchParts.DueAt(info),
                RefusedLineCount = refused.Count,
                MaxErrors = BatchCheck.MaxLines,
                KeepsOneErrorPerLine = true,
                IsMeasured = isCheckOnly,
            };
            await using var file = await blobs.OpenReadAsync(BlobKeys.File(info.Tenant, info.InputFile), cancellationToken);
            if (file is null) return Result.Failed(BatchValidation.FileGone);
            var parts = BatchParts.Of(info, model, file, refused.Count == 0 ? s_none : refused.Keys.ToHashSet(), cancellationToken);
            var (job, validation, refusal) = await intake.Take(parts, isCheckOnly ? default(JobId?) : info.Id.Job, isCheckOnly, terms, cancellationToken);
            if (job is not null)
            {
                // Once more: a job that follows on one that was given up begins with an empty folder.
                await refusedLines.Write(info, refused.Values, cancellationToken);
                return Result.Accepted(refused.Keys.ToHashSet());
            }

            if (refusal is not null && IsPassing(refusal)) return null;
            if ((validation?.LineErrors ?? refusal?.Body.LineErrors) is not { } wrong) return Result.Failed(ErrorOf(refusal!));
            AddTo(refused, wrong, check);
        }
    }

    /// <summary>The first model that a line names and that is there: lines that name another are refused by themselves.</summary>
    private async Task<(string? Model, FailureResponse? Refusal)> ChooseModel(BatchCheck check, CancellationToken cancellationToken)
    {
        FailureResponse? first = null;
        foreach (var name in check.Models)
        {
            var (model, refusal) = await catalog.FindForJob(name, _ => true, cancellationToken);
            if (model is not null) return (name, null);
            first ??= refusal;
        }

        return (null, first);
    }

    /// <summary>Lines of a submission count what was submitted.</summary>
    private static void AddTo(Dictionary<int, RefusedLine> refused, IReadOnlyList<LineError> wrong, BatchCheck check)
    {
        var submitted = Enumerable.Range(1, check.LineCount).Where(line => !refused.ContainsKey(line)).ToArray();
        foreach (var error in wrong)
        {
            var line = submitted[error.Line - 1];
            var param = error.Param.Length == 0 ? null : error.Param;
            refused.TryAdd(line, RefusedLine.Of(new("invalid_request", line, param is null ? error.Message : $"{param}: {error.Message}", param), check.IdOf(line)));
        }
    }

    /// <summary>Another time it may do.</summary>
    private static bool IsPassing(FailureResponse refusal) => refusal is { Status: >= 500 } or { RetryAfter: not null };

    private static BatchError ErrorOf(FailureResponse refusal) => new(refusal.Body.Code ?? "invalid_request", null, refusal.Body.Message, refusal.Body.Param);

    private static BatchError ErrorOf(RefusedLine line) => new(line.Code ?? "invalid_request", line.Line, line.Message, line.Param);

    /// <summary>What became of a batch.</summary>
    /// <param name="RefusedLines">Of an accepted one, the lines that are not in its job, counted from 1.</param>
    /// <param name="Errors">Of a failed one.</param>
    public sealed record Result(IReadOnlySet<int>? RefusedLines, IReadOnlyList<BatchError> Errors)
    {
        public static Result Accepted(IReadOnlySet<int> refused) => new(refused, []);

        public static Result Failed(params IReadOnlyList<BatchError> errors) => new(null, errors);
    }
}
