using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch;

/// <summary>Says what is wrong with an input's lines, all at once.</summary>
internal static class BatchErrors
{
    private const int Shown = 1000;

    public static CommandException Of(string inputName, IEnumerable<LineError> errors)
    {
        var ordered = errors.OrderBy(error => error.Line).ToList();
        var lineCount = ordered.Select(error => error.Line).Distinct().Count();
        var lines = ordered.Take(Shown).Select(error => $"{inputName} line {error.Line}: {error.Param}{(error.Param.Length > 0 ? " " : "")}{error.Message}").ToList();
        if (ordered.Count > Shown)
        {
            lines.Add($"… and {ordered.Count - Shown} more.");
        }

        lines.Add(lineCount == 1 ? "1 line is wrong; nothing was run." : $"{lineCount} lines are wrong; nothing was run.");
        return CommandException.BadInput(string.Join(Environment.NewLine, lines));
    }
}
