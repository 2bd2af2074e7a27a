using System.Text.Json;
using Emu3.Benchmarks.Pictures;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// Jobs of small pictures for clusters that are disturbed: item <c>i</c> has recipe <c>i mod RecipeCount</c>, and equal recipes give equal files,
/// so that a short undisturbed run says what every item must come to.
/// </summary>
/// <param name="RecipeCount">Different recipes.</param>
/// <param name="Size">Of each picture, as <c>128x128</c>; null leaves it to the model.</param>
internal sealed record PictureJob(int RecipeCount, string? Size = null)
{
    /// <summary>The recipe of an item.</summary>
    public int RecipeOf(int item) => item % RecipeCount;

    /// <summary>The lines of a job of so many items, the first of which has the given number.</summary>
    public IEnumerable<string> Lines(int first, int count) => Enumerable.Range(first, count).Select(item =>
    {
        var recipe = RecipeOf(item);
        return JsonSerializer.Serialize(new { id = $"{item}", prompt = PictureWork.Prompt(recipe), seed = $"{1000 + recipe}" });
    }).Prepend(Size is null ? "{}" : JsonSerializer.Serialize(new { defaults = new { size = Size } }));

    /// <summary>Runs every recipe once and returns the outcomes by recipe.</summary>
    /// <exception cref="InvalidOperationException">One of them was not done.</exception>
    public async Task<IReadOnlyList<SeenOutcome>> RunUndisturbedAsync(JobClient client, CancellationToken cancellationToken)
    {
        var job = await client.SubmitAsync($"undisturbed-{Guid.NewGuid():N}", Lines(0, RecipeCount), cancellationToken);
        var ledger = new Ledger(RecipeCount);
        await client.FollowAsync(job, ledger.Take, cancellationToken);
        return ledger.Outcomes.Count == RecipeCount && ledger.Outcomes.Values.All(outcome => outcome.Status == "done")
            ? [.. ledger.Outcomes.OrderBy(outcome => outcome.Key).Select(outcome => outcome.Value)]
            : throw new InvalidOperationException($"The undisturbed run gave {ledger.Outcomes.Values.Count(outcome => outcome.Status == "done")} of {RecipeCount} pictures.");
    }
}
