using System.Text.Json.Nodes;
using Emu3.Cli.Batch;
using Emu3.Grains.Interfaces;
using Emu3.Inference.Vision;

namespace Emu3.Cli.Verify;

/// <summary>One run of <c>emu3 verify</c> against a gateway: makes a sample of a folder's pictures again, and compares token for token.</summary>
internal sealed class VerifyRun(string path, SampleSize size, ulong seed, GatewayClient gateway, ServedModel model, CliConsole console)
{
    /// <summary>What there is to say of devices while it runs; null for nothing.</summary>
    public Func<string?> DescribeDevices { get; init; } = () => null;

    /// <returns>The exit code.</returns>
    /// <exception cref="CommandException">There is nothing to verify, or other weights made it; nothing was run.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var folder = MadeFolder.Open(path);
        var read = folder.Choose(size, seed).Select(folder.Read).ToList();
        foreach (var obstacle in read.Select(one => one.Obstacle).OfType<string>()) console.Error.WriteLine(obstacle);
        var outputs = read.Select(one => one.Made).OfType<MadeOutput>().ToList();
        if (outputs.Count == 0)
            throw CommandException.BadInput($"None of the {read.Count} chosen pictures of {path} can be checked; nothing was run.");
        RefuseOtherWeights(outputs);
        console.Out.WriteLine($"Making {outputs.Count} of {folder.PictureCount} pictures again (--seed {seed} chooses the same).");
        var progress = new BatchProgress(console, outputs.Count, 0, 0) { DescribeDevices = DescribeDevices };
        var verdicts = new List<Verdict>();
        await progress.ShowAsync(() => MakeAgainAsync(outputs, verdicts, progress, cancellationToken));
        return Report(verdicts, read.Count - outputs.Count);
    }

    private void RefuseOtherWeights(List<MadeOutput> outputs)
    {
        var others = outputs.Where(output => output.Recipe.WeightsHash != model.Info.WeightsHash).ToList();
        if (others.Count == 0) return;
        var recipe = others[0].Recipe;
        throw CommandException.BadInput(
            $"{others[0].FileName}{(others.Count > 1 ? $" and {others.Count - 1} more" : "")} came from other weights ({recipe.Model}, {recipe.WeightsHash}) than {model.Id} has "
            + $"({model.Info.WeightsHash}): verify with the model that made it. Nothing was run.");
    }

    private async Task MakeAgainAsync(List<MadeOutput> outputs, List<Verdict> verdicts, BatchProgress progress, CancellationToken cancellationToken)
    {
        var job = await gateway.SubmitAsync(
            Guid.NewGuid().ToString("N"), new JsonObject { ["seed"] = "0", ["model"] = model.Id },
            outputs.Select((output, index) => output.ToWire($"{index}", model.Info.SpatialFactor)), cancellationToken);
        var hasEnded = false;
        try
        {
            await foreach (var told in gateway.FollowAsync(job.Id, null, cancellationToken))
            {
                if (told.Job is { } state) progress.Tell(state);
                hasEnded |= told.IsLast;
                if (told.Outcome is not { } outcome) continue;
                var verdict = Verdict.Of(outputs[outcome.Index], outcome, outcome.IsDone ? await RecipeAsync(job.Id, outcome.Index, cancellationToken) : null);
                verdicts.Add(verdict);
                if (verdict.Finding != Finding.Equal) console.Error.WriteLine(verdict.Text);
                progress.Add(outcome.IsDone ? 1 : 0, outcome.IsDone ? 0 : 1, outcome.Usage?.TotalTokens ?? 0);
            }
        }
        finally
        {
            // Nobody wants these pictures: what has not been made is not made.
            if (!hasEnded) await gateway.AskAsync(job.Id, "cancel", CancellationToken.None);
        }

        await gateway.DeleteJobAsync(job.Id, CancellationToken.None);
    }

    private async Task<PictureRecipe?> RecipeAsync(string job, int index, CancellationToken cancellationToken) =>
        await gateway.ContentAsync(job, index, cancellationToken) is { } file ? PictureRecipe.Read(PictureMetadata.Read(file)) : null;

    private int Report(List<Verdict> verdicts, int uncheckedCount)
    {
        var counts = verdicts.CountBy(verdict => verdict.Finding).ToDictionary();
        int Of(Finding finding) => counts.GetValueOrDefault(finding);
        console.Out.WriteLine($"{verdicts.Count} made again: {Of(Finding.Equal)} equal, {Of(Finding.Different)} different"
            + (Of(Finding.Unpromised) > 0 ? $", {Of(Finding.Unpromised)} of another or no reproducible numeric class" : "")
            + (Of(Finding.NotMade) > 0 ? $", {Of(Finding.NotMade)} could not be made" : "")
            + (uncheckedCount > 0 ? $"; {uncheckedCount} could not be checked" : "") + ".");
        return Of(Finding.Different) + Of(Finding.NotMade) == 0 ? ExitCode.AllDone : ExitCode.SomeFailed;
    }
}
