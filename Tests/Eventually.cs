using System.Diagnostics;

namespace Emu3.Tests;

/// <summary>Waits for what gives no signal and can only be looked at.</summary>
internal static class Eventually
{
    /// <summary>The machine may be busy with other things.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks until it is so. Fails the test when that takes longer than <see cref="Patience"/>.</summary>
    /// <param name="what">What is waited for, as it completes "it is not so that …".</param>
    /// <param name="isSo">Looks once.</param>
    /// <param name="details">What a reader of the failure needs, as the ends of logs.</param>
    public static async Task TrueAsync(string what, Func<Task<bool>> isSo, Func<string>? details = null)
    {
        for (var started = Stopwatch.GetTimestamp(); !await isSo(); await Task.Delay(s_look, TimeProvider.System, TestContext.Current.CancellationToken))
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
                Assert.Fail($"After {Patience.TotalSeconds:0} s it is not so that {what}.{Environment.NewLine}{details?.Invoke()}");
        }
    }

    /// <inheritdoc cref="TrueAsync(string, Func{Task{bool}}, Func{string}?)"/>
    public static Task TrueAsync(string what, Func<bool> isSo, Func<string>? details = null) => TrueAsync(what, () => Task.FromResult(isSo()), details);
}
