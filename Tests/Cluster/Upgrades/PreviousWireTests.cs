using System.Text.RegularExpressions;

namespace Emu3.Tests.Cluster.Upgrades;

/// <summary>What the previous release sends and stores is still understood: by the texts of <c>wire.txt</c>, for all kinds of messages and rows.</summary>
[Trait("Suite", "Fast")]
public sealed partial class PreviousWireTests
{
    private const string Wire = "Tests/Architecture/wire.txt";

    [Fact]
    public async Task Wire_OfThePreviousRelease_IsPartOfThisOne()
    {
        var (before, refusal) = await PreviousRelease.ReadAsync(Wire);
        Assert.SkipWhen(before is null, refusal ?? "");
        var now = await File.ReadAllTextAsync(Repository.PathTo(Wire.Split('/')), TestContext.Current.CancellationToken);

        Assert.Empty(Parts(before!).Except(Parts(now)));
    }

    [Fact]
    public void Parts_TellWhatCountsForOthers()
    {
        const string Text = "emu3.IDoor\n    Open(JobId) → Task\nemu3.Row\n    0 Version: Int32\n    3 Items: Byte[]\nColor\n    0 Red, 1 Green\n";

        Assert.Equal(["emu3.IDoor Open(JobId) → Task", "emu3.Row 0 Int32", "emu3.Row 3 Byte[]", "Color 0 Red", "Color 1 Green"], Parts(Text));
        Assert.NotEmpty(Parts(Text).Except(Parts(Text.Replace("3 Items: Byte[]", "3 Items: Int32[]", StringComparison.Ordinal))));
        Assert.Empty(Parts(Text).Except(Parts(Text.Replace("Items", "Things", StringComparison.Ordinal)))); // names of members don't travel
    }

    /// <summary>Methods with their parameters, ids of fields with their types, numbers of enums with their names; each behind what it is a part of.</summary>
    private static IEnumerable<string> Parts(string wire)
    {
        var owner = "";
        foreach (var line in wire.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith(' '))
            {
                owner = line;
                continue;
            }

            var part = line.Trim();
            IEnumerable<string> parts = part.Contains('→', StringComparison.Ordinal) ? [part]
                : Field().Match(part) is { Success: true } field ? [$"{field.Groups[1].Value} {field.Groups[2].Value}"]
                : part.Split(", ");
            foreach (var each in parts) yield return $"{owner} {each}";
        }
    }

    [GeneratedRegex(@"^(\d+) \w+: (.+)$")]
    private static partial Regex Field();
}
