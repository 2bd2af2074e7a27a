using System.Globalization;
using System.Text.Json.Nodes;

namespace Emu3.Cli.Batch.Plan;

/// <summary>Plain text: one prompt a line.</summary>
internal static class TextInput
{
    public static IEnumerable<InputLine> Read(string text)
    {
        using var reader = new StringReader(text);
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var id = number.ToString(CultureInfo.InvariantCulture);
            yield return new(number, id, new JsonObject { ["id"] = id, ["prompt"] = line.Trim() }.ToJsonString(), null);
        }
    }
}
