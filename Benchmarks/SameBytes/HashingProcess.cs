using System.Diagnostics;
using System.Text.Json;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Benchmarks.SameBytes;

/// <summary>What a process found.</summary>
/// <param name="Kernels">That it computed with.</param>
/// <param name="Hashes">Of each request.</param>
internal sealed record FoundHashes(string Kernels, string[] Hashes);

/// <summary><see cref="OutputHashes"/> in a process of its own, which may have instructions switched off as if the processor lacked them.</summary>
internal static class HashingProcess
{
    public const string Command = "same-bytes-run";

    /// <summary>What the process does.</summary>
    public static async Task RunAsync(string model, int[] requests, int threads, int inFlight) => Console.WriteLine(JsonSerializer.Serialize(
        new FoundHashes(CpuKernels.Fastest.Name, await OutputHashes.ComputeAsync(model, requests, threads, inFlight))));

    /// <summary>Starts one and waits for its end.</summary>
    /// <param name="variable">Set to 0 for it; null for none.</param>
    /// <param name="model">The checkpoint's folder.</param>
    /// <param name="requests">Their places in the list.</param>
    /// <param name="threads">That compute.</param>
    /// <param name="inFlight">Requests at once.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="InvalidOperationException">It failed; its errors are on standard error.</exception>
    public static async Task<FoundHashes> StartAsync(
        string? variable, string model, IEnumerable<int> requests, int threads, int inFlight, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            typeof(HashingProcess).Assembly.Location, Command, "--model", model, "--threads", $"{threads}", "--in-flight", $"{inFlight}", "--requests", .. requests.Select(i => $"{i}"),
        ])
        { RedirectStandardOutput = true };
        if (variable is not null)
            start.Environment[variable] = "0";
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<FoundHashes>(output)!
            : throw new InvalidOperationException($"{Command} with {variable ?? "all instructions"} ended with exit code {process.ExitCode}.");
    }
}
