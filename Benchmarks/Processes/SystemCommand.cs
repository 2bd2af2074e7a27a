using System.Diagnostics;

namespace Emu3.Benchmarks.Processes;

/// <summary>Runs the system's own tools.</summary>
internal static class SystemCommand
{
    /// <summary>Whether it succeeded, and what it wrote.</summary>
    public static async Task<(bool IsDone, string Text)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode == 0, $"{await output}{await error}".Trim());
        }
        catch (System.ComponentModel.Win32Exception absent)
        {
            return (false, absent.Message);
        }
    }

    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task DoAsync(string program, params string[] arguments)
    {
        var (isDone, text) = await RunAsync(program, arguments);
        if (!isDone) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed: {text}");
    }
}
