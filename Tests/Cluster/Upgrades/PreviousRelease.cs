using System.Diagnostics;
using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Cluster.Upgrades;

/// <summary>
/// The release before this one: its programs, built from its commit once a machine, and its files. A checkout without that commit (a shallow clone, an
/// archive of the sources) has none.
/// </summary>
internal static class PreviousRelease
{
    /// <summary>The last commit of the previous release. It moves to the last commit of this release when work on the next one begins.</summary>
    public const string Commit = "cdbeed641fe0b48f29ed7adb4abbdfc44ac18a2c";

    /// <summary>What its programs are made of.</summary>
    private static readonly string[] s_sources =
        ["Cli", "Gateway", "Silo", "Grains", "Grains.Interfaces", "Inference", "Inference.Torch", "Storage", "Observability", "k8s/postgres",
         "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json", "BannedSymbols.txt", "Emu3.Cluster.sln"];

    private static readonly Lazy<Task<(string? Folder, string? Refusal)>> s_programs = new(BuildAsync);

    /// <summary>The folder of emu3, Emu3.Silo and Emu3.Gateway; null with the reason where there is none.</summary>
    public static Task<(string? Folder, string? Refusal)> ProgramsAsync() => s_programs.Value;

    /// <summary>The text of a file; null with the reason where there is none.</summary>
    public static async Task<(string? Text, string? Refusal)> ReadAsync(string path) =>
        await WhyNotAsync() is { } refusal ? (null, refusal) : (await RunAsync(Repository.Root, "git", "show", $"{Commit}:{path}"), null);

    private static async Task<(string? Folder, string? Refusal)> BuildAsync()
    {
        var folder = Path.Combine(CacheFolder, Commit);
        if (Directory.Exists(folder)) return (folder, null);
        if (await WhyNotAsync() is { } refusal) return (null, refusal);
        var work = Path.Combine(CacheFolder, $"{Commit}.{Environment.ProcessId}");
        Directory.CreateDirectory(work);
        try
        {
            await RunAsync(Repository.Root, "git", ["archive", "-o", Path.Combine(work, "sources.tar"), Commit, "--", .. s_sources]);
            await RunAsync(work, "tar", "-xf", "sources.tar");
            await RunAsync(work, "dotnet", "build", "Cli", "-c", "Release", "-v", "quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false");
            if (!Directory.Exists(folder)) Directory.Move(Path.Combine(work, "artifacts", "bin", "Cli", "release"), folder);
            return (folder, null);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    /// <summary>Outside of the checkout: all checkouts of a machine have the same previous release.</summary>
    private static string CacheFolder => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache"),
        "emu3-tests");

    private static async Task<string?> WhyNotAsync()
    {
        var (isThere, text) = await SystemCommand.RunAsync("git", "-C", Repository.Root, "cat-file", "-e", $"{Commit}^{{commit}}");
        return isThere ? null : $"The previous release can't be built here: this checkout has no commit {Commit[..7]} ({text}). A clone with the whole history has it.";
    }

    private static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // dotnet test tells its children which SDK it is of; a build of its own finds that out itself.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList()) start.Environment.Remove(name);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed: {await output}{await error}");
    }
}
