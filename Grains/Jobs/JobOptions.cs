using System.ComponentModel.DataAnnotations;

namespace Emu3.Grains.Jobs;

/// <summary>Section <c>Jobs</c>: how long jobs are waited for and kept.</summary>
public sealed class JobOptions
{
    /// <summary>A job whose items have not all arrived after so long has lost its submitter, and is aborted.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan OpenAtMost { get; set; } = TimeSpan.FromHours(1);

    /// <summary>An interactive job that nobody has asked for so long is cancelled.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan InteractivePatience { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The same of one whose request has an <c>Idempotency-Key</c>: its client may have lost the connection and come again, after a pause that we asked for.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeyedPatience { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>An interactive job is removed, with its files, so long after its end. So long a request's <c>Idempotency-Key</c> is remembered.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan InteractiveKeep { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>A job is removed, with its files, so long after its end; unset: never.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan? KeepEnded { get; set; }

    /// <summary>
    /// So long after a job was deleted, what was written of it meanwhile is removed as well: by workers and silos that were cut off and had not heard of it.
    /// Far longer than any of these lives on, clocks that differ included.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan DeletedKeep { get; set; } = TimeSpan.FromHours(1);
}
