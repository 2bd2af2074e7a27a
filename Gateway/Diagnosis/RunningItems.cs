using System.Globalization;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Diagnosis;

/// <summary>Says of items that are leased who has them, how far they are, and whether their worker is heard of.</summary>
internal static class RunningItems
{
    /// <summary>So many are told one by one, with their tokens; more are told together, a worker at a time.</summary>
    public const int MaxOneByOne = 10;

    /// <summary>A lease that is not renewed for so long ends.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    /// <summary>Workers speak every second: one that has been silent so long is not just late.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(5);

    public static IEnumerable<JobFinding> Findings(JobView view)
    {
        var running = Of(view.Shards);
        return running.Count <= MaxOneByOne
            ? running.Select(item => OfOne(item, view))
            : running.GroupBy(item => (item.Holder, IsSilent(item))).OrderByDescending(group => group.Key.Item2).Select(group => OfMany(group.Key.Holder, [.. group], view));
    }

    /// <summary>Items that are leased.</summary>
    public static IReadOnlyList<ItemView> Of(IEnumerable<ShardView> shards) =>
        [.. shards.SelectMany(shard => shard.ItemViews).Where(item => item.Status == ItemStatus.Running)];

    private static JobFinding OfOne(ItemView item, JobView view)
    {
        var total = view.Specs.GetValueOrDefault(item.Item) is { } spec ? $" of {TokensOf(spec)}" : "";
        var lease = item.Epoch > 1 ? string.Create(CultureInfo.InvariantCulture, $", lease {item.Epoch}") : "";
        return JobFinding.OfItems(CodeOf(item), string.Create(CultureInfo.InvariantCulture,
            $"Item {item.Item} is at {Device(item.Holder, view)} with {item.TokenCount}{total} tokens{lease}{Suspicion([item])}{Silence([item])}."), [item.Item]);
    }

    private static JobFinding OfMany(WorkerId? holder, IReadOnlyList<ItemView> items, JobView view) => JobFinding.OfItems(CodeOf(items[0]),
        string.Create(CultureInfo.InvariantCulture,
            $"{JobDiagnosis.Count(items.Count, "item")} ({JobDiagnosis.Names(items)}) {(items.Count == 1 ? "is" : "are")} at {Device(holder, view)} ")
        + string.Create(CultureInfo.InvariantCulture,
            $"with {items.Min(item => item.TokenCount)} to {items.Max(item => item.TokenCount)} tokens{Suspicion(items)}{Silence(items)}."),
        [.. items.Select(item => item.Item)]);

    private static string CodeOf(ItemView item) => IsSilent(item) ? "worker_silent" : "running";

    private static string Device(WorkerId? holder, JobView view)
    {
        if (holder is not { } id) return "a worker";
        var known = view.Cluster?.Ready.FirstOrDefault(worker => worker.Id == id);
        return known is not null ? $"{known.Device} (worker {id})" : $"worker {id}, which is not among those that are up";
    }

    private static string Suspicion(IReadOnlyList<ItemView> items)
    {
        var alone = items.Count(item => item.RunsAlone);
        var suspect = items.Count(item => item.Suspicion > 0 && !item.RunsAlone);
        return (alone, suspect) switch
        {
            (0, 0) => "",
            ( > 0, _) => "; alone there, since several workers died with it",
            _ => items.Count == 1 ? "; a worker died with it before" : $"; of {suspect} of them a worker died before",
        };
    }

    private static string Silence(IReadOnlyList<ItemView> items)
    {
        var longest = items.Max(item => item.HeardAgo ?? TimeSpan.Zero);
        return longest < s_silence ? "" : string.Create(CultureInfo.InvariantCulture,
            $"; its worker has not been heard of for {longest.TotalSeconds:0} s: frozen, cut off or dead. After {s_deadline.TotalSeconds:0} s another gets {(items.Count == 1 ? "it" : "them")}");
    }

    private static bool IsSilent(ItemView item) => item.HeardAgo >= s_silence;

    /// <summary>Tokens that an item comes to: all of a picture's, at most those of an answer.</summary>
    private static int TokensOf(ItemSpec spec) => spec.Image is { } image ? ((image.LatentWidth + 1) * image.LatentHeight) + 3 : spec.Chat?.MaxNewTokens ?? 0;
}
