using System.Runtime.CompilerServices;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>Shows a picture while it is drawn: its tokens so far, decoded by a worker of its model.</summary>
internal sealed class PicturePreviews(ClusterCalls cluster, ILogger<PicturePreviews> logger)
{
    /// <summary>A preview that takes longer is left out: whoever waits wants the picture.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Files in the item's format, each with more rows than the one before; fewer where the picture has fewer rows or no worker answers.</summary>
    /// <param name="job">Whose first sample is shown.</param>
    /// <param name="most">Previews at most, at equal distances.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<byte[]> Show(InteractiveJob job, int most, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var due = new Queue<int>(TokensAt(job.First.Image!, most));
        if (due.Count == 0) yield break;
        await foreach (var tokens in job.ReadTokens(cancellationToken))
        {
            while (due.TryPeek(out var count) && count <= tokens.Count)
            {
                due.Dequeue();
                if (await Draw(job, [.. tokens.Take(count)], cancellationToken) is { } file) yield return file;
            }

            if (due.Count == 0) yield break;
        }
    }

    /// <summary>Whole rows: what counts as drawn for each preview.</summary>
    private static IEnumerable<int> TokensAt(ImageSpec image, int most) => Enumerable.Range(1, most)
        .Select(number => image.LatentHeight * number / (most + 1)).Where(rows => rows > 0).Distinct().Select(rows => rows * (image.LatentWidth + 1));

    private async Task<byte[]?> Draw(InteractiveJob job, int[] tokens, CancellationToken cancellationToken)
    {
        foreach (var worker in job.Workers.Take(2))
        {
            try
            {
                return await cluster.Grain<IModelWorker>(worker.Id.Value).Preview(job.First, tokens).WaitAsync(s_patience, cluster.Time, cancellationToken);
            }
            catch (Exception exception) when (exception is WorkerSiloGoneException || ClusterCalls.IsTransient(exception, cancellationToken))
            {
                GatewayLog.NoPreview(logger, job.Id.Value, exception.Message);
            }
        }

        return null;
    }
}
