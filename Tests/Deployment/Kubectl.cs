using System.Diagnostics;

namespace Emu3.Tests.Deployment;

/// <summary>Kubernetes' own program, from 1.29 on. It renders the manifests; nothing here talks to a cluster. Tests that need it are skipped by name where there is none.</summary>
internal static class Kubectl
{
    /// <summary>The folders that are rendered: what a person applies, and what only the tests put together.</summary>
    public static IReadOnlyList<string> Overlays { get; } =
    [
        .. Directory.EnumerateDirectories(Repository.PathTo("k8s", "overlays")).Concat(Directory.EnumerateDirectories(Repository.PathTo("Tests", "Deployment", "Overlays")))
            .Select(folder => Path.GetRelativePath(Repository.Root, folder)).Order(StringComparer.Ordinal),
    ];

    /// <summary>What <c>kubectl apply -k</c> would send.</summary>
    /// <param name="overlay">Folder of a kustomization, from the root of the repository.</param>
    /// <exception cref="InvalidOperationException">It can't be rendered: what kubectl says.</exception>
    public static async Task<string> RenderAsync(string overlay)
    {
        var start = new ProcessStartInfo(Require(), ["kustomize", Repository.PathTo(overlay)]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{overlay}: {await error}");
    }

    private static string Require()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "kubectl")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, "There is no kubectl on this machine: .ci/run installs it.");
        return path!;
    }
}
