using System.Text.Json;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Cluster;

/// <summary>What was used, read from a job's outcomes and from the ledger, to be compared. Device time is left out: outcomes do not tell it.</summary>
internal static class UsageFigures
{
    /// <summary>What the outcomes of a job (<c>data</c> of its results) come to.</summary>
    public static ItemsUsage Sum(IEnumerable<JsonElement> outcomes)
    {
        var sum = default(ItemsUsage);
        foreach (var outcome in outcomes.Where(outcome => outcome.GetProperty("status").GetString() == "done"))
        {
            var (usage, isImage) = (outcome.GetProperty("usage"), outcome.GetProperty("kind").GetString() == "image");
            sum += new ItemsUsage(isImage ? 1 : 0, isImage ? 0 : 1, usage.GetProperty("prompt_tokens").GetInt64(), usage.GetProperty("completion_tokens").GetInt64(), 0);
        }
        return sum;
    }

    /// <summary>A line of the ledger.</summary>
    public static ItemsUsage Read(JsonElement line) => new(
        line.GetProperty("images").GetInt32(), line.GetProperty("answers").GetInt32(), line.GetProperty("prompt_tokens").GetInt64(),
        line.GetProperty("generated_tokens").GetInt64(), 0);
}
