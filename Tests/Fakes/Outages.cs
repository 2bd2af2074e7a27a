using System.Globalization;

namespace Emu3.Tests.Fakes;

/// <summary>How long stores are away in tests: as long as proves the same, or <c>EMU3_OUTAGE</c> seconds.</summary>
internal static class Outages
{
    public static TimeSpan Of(TimeSpan enough) =>
        Environment.GetEnvironmentVariable("EMU3_OUTAGE") is { Length: > 0 } seconds ? TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)) : enough;
}
