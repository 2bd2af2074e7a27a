using System.Runtime.CompilerServices;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Cluster;

/// <summary>Watches a job through everything that can happen to the silo that tells of it.</summary>
internal static class JobWatch
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Everything behind the cursor, each outcome once, up to the event that is last.</summary>
    public static async IAsyncEnumerable<JobEvent> Events(
        ClusterCalls cluster, JobId job, JobCursor cursor, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            await foreach (var happened in cluster.Resume(
                () => cluster.Grain<IGenerationJob>(job.Value).Watch(cursor, CancellationToken.None), cancellationToken))
            {
                cursor = happened.Cursor;
                yield return happened;
                if (happened.IsLast) yield break;
            }
            // A silo that goes down ends its streams early.
            await Task.Delay(s_pause, cluster.Time, cancellationToken);
        }
    }
}
