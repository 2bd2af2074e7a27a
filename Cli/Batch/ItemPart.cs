using Emu3.Cli.Batch.Plan;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>What is sent of one item: consecutive samples of it.</summary>
internal sealed record ItemPart(BatchItem Item, uint FirstSample, int SampleCount)
{
    public string ToWire() => Item.ToWire(FirstSample, SampleCount);

    /// <summary>The parts that ask for these outputs, in their order.</summary>
    public static List<ItemPart> Of(IReadOnlyList<BatchItem> items, IReadOnlyList<PlannedOutput> outputs)
    {
        var parts = new List<ItemPart>();
        foreach (var output in outputs)
        {
            if (parts is [.., var last] && last.Item == items[output.ItemIndex] && last.FirstSample + last.SampleCount == output.Key.Sample)
            {
                parts[^1] = last with { SampleCount = last.SampleCount + 1 };
            }
            else
            {
                parts.Add(new(items[output.ItemIndex], output.Key.Sample, 1));
            }
        }

        return parts;
    }

    /// <summary>What the gateway says about lines of a request, said about lines of the input.</summary>
    public static IEnumerable<LineError> ToInputLines(IEnumerable<LineError> errors, List<ItemPart> parts) => errors.Select(error =>
        error.Line >= 1 && error.Line <= parts.Count ? error with { Line = parts[error.Line - 1].Item.Line } : error).DistinctBy(error => (error.Line, error.Message));
}
