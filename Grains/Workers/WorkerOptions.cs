using System.ComponentModel.DataAnnotations;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Workers;

/// <summary>Section <c>Worker</c>: how a worker pulls and reports.</summary>
public sealed class WorkerOptions
{
    /// <summary>Slots kept from bulk work, so that someone who waits is served at once; unset: one in 16, one at least. 0 where nobody waits.</summary>
    [Range(0, 4096)]
    public int? InteractiveSlots { get; set; }

    /// <summary>Slots' worth of items leased beyond those that run, so that the engine never waits for the next one.</summary>
    [Range(1, 256)]
    public int LookAheadSlots { get; set; } = 4;

    /// <summary>Time between two resume points of an item; what was generated since the last is lost with the worker.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CheckpointPeriod { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Tokens after which a resume point is due whatever the time.</summary>
    [Range(1, 1 << 20)]
    public int CheckpointTokens { get; set; } = 512;

    /// <summary>Time between two pushes of a watched item's tokens.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan PushPeriod { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Time between two heartbeats to a shard.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:05")]
    public TimeSpan HeartbeatPeriod { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>An idle worker asks for work, and says that it is there, so often.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:05")]
    public TimeSpan AskPeriod { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// An idle worker makes a picture again so often at most, and compares the tokens: a device that computes wrongly shows by it. Unset: never. Needs row
    /// invariance.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan? CanaryPeriod { get; set; }

    /// <summary>The machine's name, as devices, results and diagnoses tell it. A silo's own <c>Silo:HostName</c> goes before it.</summary>
    [Required]
    public string HostName { get; set; } = Environment.MachineName;

    /// <summary>A device as workers, results and the device ledger name it; see <see cref="WorkerInfo.Device"/>.</summary>
    /// <param name="deviceId">What it is known by on its host.</param>
    public string NameOf(string deviceId) => $"{HostName}/{deviceId}";
}
