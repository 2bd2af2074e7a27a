using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Access;

/// <summary>What a key used, minute by minute, as it is stored. No more than an hour and a few requests.</summary>
[GenerateSerializer, Immutable, Alias("emu3.KeyMeterState")]
public sealed record KeyMeterState
{
    private const int RequestsKnown = 32;
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_window = TimeSpan.FromHours(1);

    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Pictures by the minute, counted from the Unix epoch, that they were asked for in.</summary>
    [Id(1)] public ImmutableSortedDictionary<long, int> Minutes { get; init; } = ImmutableSortedDictionary<long, int>.Empty;

    /// <summary>The last requests that were counted, oldest first.</summary>
    [Id(2)] public ImmutableList<string> Requests { get; init; } = [];

    /// <summary>Counts pictures that are within the limit. A request that was counted changes nothing, and counts as taken.</summary>
    public (KeyMeterState State, MeterReading Reading) Take(int images, int limit, string request, DateTimeOffset now)
    {
        // A minute leaves when all of it is longer ago than the window.
        var oldest = MinuteOf(now - s_window);
        var state = WithoutFuture(MinuteOf(now));
        if (state.Minutes.Keys.FirstOrDefault(long.MaxValue) < oldest)
            state = state with { Minutes = state.Minutes.RemoveRange(state.Minutes.Keys.TakeWhile(minute => minute < oldest)) };
        var used = state.Minutes.Values.Sum();
        if (state.Requests.Contains(request)) return (state, new(true, used, TimeSpan.Zero, state.EmptyAfter(now)));
        if (used + images > limit) return (state, new(false, used, state.FitsAfter(used + images - limit, now), state.EmptyAfter(now)));
        var minute = MinuteOf(now);
        var requests = state.Requests.Count < RequestsKnown ? state.Requests : state.Requests.RemoveAt(0);
        state = state with
        {
            Minutes = state.Minutes.SetItem(minute, state.Minutes.GetValueOrDefault(minute) + images),
            Requests = requests.Add(request),
        };
        return (state, new(true, used + images, TimeSpan.Zero, state.EmptyAfter(now)));
    }

    /// <summary>Minutes from before the clock was set back count as this one: a picture counts for an hour at most.</summary>
    private KeyMeterState WithoutFuture(long present)
    {
        var future = Minutes.Where(minute => minute.Key > present).ToList();
        return future.Count == 0 ? this : this with
        {
            Minutes = Minutes.RemoveRange(future.Select(minute => minute.Key))
                .SetItem(present, Minutes.GetValueOrDefault(present) + future.Sum(minute => minute.Value)),
        };
    }

    private TimeSpan FitsAfter(int excess, DateTimeOffset now)
    {
        foreach (var (minute, count) in Minutes)
            if ((excess -= count) <= 0) return EndOf(minute) - now;
        return s_window; // more than the limit at once: never, which the caller has seen to
    }

    private TimeSpan EmptyAfter(DateTimeOffset now) => Minutes.IsEmpty ? TimeSpan.Zero : EndOf(Minutes.Keys.Last()) - now;

    private static DateTimeOffset EndOf(long minute) => DateTimeOffset.UnixEpoch + ((minute + 1) * s_minute) + s_window;

    private static long MinuteOf(DateTimeOffset time) => (long)Math.Floor((time - DateTimeOffset.UnixEpoch) / s_minute);
}
