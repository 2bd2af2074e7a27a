using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Emu3.Grains.Webhooks;

/// <summary>When a notice that was not taken is tried again: the waits that the Standard Webhooks specification names, unless others are configured.</summary>
/// <param name="waits">Before the second try, the third, …; empty for the usual ones.</param>
public sealed class RetrySchedule(IReadOnlyList<TimeSpan> waits)
{
    /// <summary>No wait is longer, whatever the receiver asks for.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);

    /// <summary>The most of a wait that is added to it.</summary>
    public const double Jitter = 0.2;

    private static readonly TimeSpan[] s_usual =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    private readonly IReadOnlyList<TimeSpan> _waits = waits.Count == 0 ? s_usual : waits;

    /// <summary>Tries before a notice is given up.</summary>
    public int MaxAttempts => _waits.Count + 1;

    /// <summary>
    /// How long to wait after so many failed tries; null when that was the last. What is added by chance comes from the notice's id and the try, so that
    /// many notices spread and one is the same after a crash.
    /// </summary>
    /// <param name="eventId">Of the notice.</param>
    /// <param name="attemptCount">Tries so far, from 1.</param>
    /// <param name="retryAfter">What the receiver asked for; never makes the wait shorter, nor longer than <see cref="LongestWait"/>.</param>
    public TimeSpan? WaitAfter(string eventId, int attemptCount, TimeSpan? retryAfter)
    {
        if (attemptCount >= MaxAttempts) return null;
        var wait = _waits[attemptCount - 1] * (1 + (Jitter * Share(eventId, attemptCount)));
        var asked = retryAfter > LongestWait ? LongestWait : retryAfter ?? TimeSpan.Zero;
        return asked > wait ? asked : wait;
    }

    /// <summary>From 0 to 1, 1 excluded.</summary>
    private static double Share(string eventId, int attemptCount)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{eventId}\n{attemptCount}")));
        return BinaryPrimitives.ReadUInt32LittleEndian(hash) / (double)(1L << 32);
    }
}
