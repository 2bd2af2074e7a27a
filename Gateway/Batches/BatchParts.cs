using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>A batch as the submission of its job: the job object, then the lines of its file. The same for the same batch.</summary>
internal static class BatchParts
{
    /// <param name="card">The batch.</param>
    /// <param name="model">Of the job; null where no line names one.</param>
    /// <param name="file">The batch's.</param>
    /// <param name="leftOut">Lines that are not submitted, counted from 1.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Of(
        BatchCard card, string? model, Stream file, IReadOnlySet<int> leftOut, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return HeadOf(card, model);
        var number = 0;
        await foreach (var line in JobBody.ReadLines(file, cancellationToken))
            if (!leftOut.Contains(++number)) yield return line;
    }

    /// <summary>When its job is wanted.</summary>
    public static DateTimeOffset? DueAt(BatchCard card) => CompletionWindow.TryParse(card.Window, out var window) ? card.CreatedAt + window : null;

    private static ReadOnlyMemory<byte> HeadOf(BatchCard card, string? model)
    {
        var head = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(head))
        {
            writer.WriteStartObject();
            if (model is not null) writer.WriteString("model", model);
            writer.WriteStartObject("metadata");
            foreach (var (key, value) in card.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) writer.WriteString(key, value);
            writer.WriteEndObject();
            if (card.Webhook is { } url)
            {
                writer.WriteStartObject("webhook");
                writer.WriteString("url", url);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return head.WrittenMemory;
    }
}
