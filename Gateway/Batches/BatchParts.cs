using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>A batch as the submission of its job: the job object, then the lines of its file. The same for the same batch.</summary>
internal static class BatchParts
{
    /// <param name="info">The batch.</param>
    /// <param name="model">Of the job; null where no line names one.</param>
    /// <param name="file">The batch's.</param>
    /// <param name="leftOut">Lines that are not submitted, counted from 1.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Of(
        BatchInfo info, string? model, Stream file, IReadOnlySet<int> leftOut, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return HeadOf(info, model);
        var number = 0;
        await foreach (var line in JobBody.ReadLines(file, cancellationToken))
            if (!leftOut.Contains(++number)) yield return line;
    }

    /// <summary>When its job is wanted.</summary>
    public static DateTimeOffset? DueAt(BatchInfo info) => CompletionWindow.TryParse(info.Window, out var window) ? info.CreatedAt + window : null;

    private static ReadOnlyMemory<byte> HeadOf(BatchInfo info, string? model)
    {
        var head = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(head))
        {
            writer.WriteStartObject();
            if (model is not null) writer.WriteString("model", model);
            writer.WriteStartObject("metadata");
            foreach (var (key, value) in info.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) writer.WriteString(key, value);
            writer.WriteEndObject();
            if (info.Webhook is { } url)
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
