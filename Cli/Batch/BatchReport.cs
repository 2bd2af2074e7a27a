using System.Globalization;
using System.Text.Json.Nodes;
using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Batch;

/// <summary>What is said and shown of a batch that has run.</summary>
internal static class BatchReport
{
    /// <summary>Says what is there, and lists what is not.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(
        CliConsole console, BatchFolder folder, BatchPlan plan, BatchProgress progress, IReadOnlyList<(OutputKey Key, string Reason)> unfinished,
        IReadOnlyList<SkippedFile> skipped)
    {
        var failed = plan.Outputs.Where(output => folder.Contents.History.Failed.TryGetValue(output.Key, out var failure) && failure.Spec == output.SpecHash)
            .Select(output => (output.Key, folder.Contents.History.Failed[output.Key].Reason)).Concat(unfinished).ToList();
        var seconds = progress.Elapsed.TotalSeconds;
        var rate = progress.MadeCount > 0 && seconds > 0
            ? string.Create(CultureInfo.InvariantCulture, $" {progress.MadeCount} of them now, in {BatchProgress.Duration(progress.Elapsed)}: {progress.MadeCount / seconds:0.##} a second.")
            : "";
        console.Out.WriteLine($"{plan.Outputs.Count - failed.Count} of {plan.Outputs.Count} outputs are in {folder.Path}.{rate}");
        if (progress.ResumedInsideCount > 0)
        {
            console.Out.WriteLine($"{progress.ResumedInsideCount} of them went on inside, from tokens that an earlier run had generated.");
        }

        console.Out.WriteLine($"Contact sheet: {Path.Combine(folder.Path, ContactSheet.PageName(1))}");
        if (failed.Count > 0)
        {
            console.Error.WriteLine($"{failed.Count} failed; --retry-failed runs them again:");
            foreach (var (key, reason) in failed)
            {
                console.Error.WriteLine($"  {key}: {reason}");
            }
        }

        SkippedFiles.List(console, skipped);
        return failed.Count + skipped.Count == 0 ? ExitCode.AllDone : ExitCode.SomeFailed;
    }

    /// <summary>A record as the contact sheet shows it.</summary>
    public static ContactSheetEntry ToEntry(AskedPictures asked, MetadataRecord record)
    {
        var fields = JsonNode.Parse(record.Json)!;
        return new(
            record.IsPicture ? record.FileName : asked.AddressOf(record.Key.Id) ?? record.FileName,
            fields[record.IsPicture ? "prompt" : "question"]?.ToString() ?? "", record.IsPicture ? null : fields["text"]?.ToString(),
            $"{record.Key}, seed {fields["seed"]}");
    }
}
