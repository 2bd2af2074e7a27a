using System.Globalization;

namespace Emu3.Gateway.Batches;

/// <summary>What is said of a batch that will take longer than its window.</summary>
internal static class BatchWarning
{
    /// <summary>Of a batch that begins now, alone on the cluster. Null when it fits, or when no worker has shown how fast it is.</summary>
    /// <param name="count">Requests.</param>
    /// <param name="itemsPerSecond">Of all workers together.</param>
    /// <param name="window">What its owner wants.</param>
    /// <param name="text">The same as it was written.</param>
    public static string? Of(long count, double itemsPerSecond, TimeSpan window, string text) =>
        itemsPerSecond > 0 && count / itemsPerSecond > window.TotalSeconds ? Of(count, TimeSpan.FromSeconds(Math.Min(count / itemsPerSecond, 1e9)), text) : null;

    /// <summary>Of one that will.</summary>
    public static string Of(long count, TimeSpan rest, string window) => string.Create(CultureInfo.InvariantCulture,
        $"At the rate that the workers show now, {count} requests take about {rest.TotalHours:F1} hours: longer than the completion_window of {window}.");
}
