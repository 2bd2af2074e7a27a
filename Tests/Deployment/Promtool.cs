using System.Diagnostics;

namespace Emu3.Tests.Deployment;

/// <summary>Prometheus' own programs, of Debian's package <c>prometheus</c>. Tests that need them are skipped by name where there are none.</summary>
internal static class Promtool
{
    private static readonly string[] s_folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);

    /// <summary>Path of a program; skips the test that asks where there is none.</summary>
    public static string Require(string program)
    {
        var path = s_folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"There is no {program} on this machine: install Debian's package prometheus.");
        return path!;
    }

    /// <summary>Runs <c>promtool</c> to its end.</summary>
    public static async Task<(int ExitCode, string Text)> RunAsync(string? input, params string[] arguments)
    {
        var start = new ProcessStartInfo(Require("promtool"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input ?? "");
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, $"{await output}{await error}");
    }
}
