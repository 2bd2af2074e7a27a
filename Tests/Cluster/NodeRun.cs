using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>
/// One run of <c>Tests/Node/openai.mjs</c> against a gateway with keys and simulated engines: npm brings OpenAI's package into a temporary folder, Node runs the checks.
/// Where one of them is not there, or npm can't reach its registry, <see cref="Missing"/> says so.
/// </summary>
public sealed class NodeRun : IAsyncLifetime
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private const int MinNode = 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>What npm says of a lock file or package that is wrong: nobody's network is to blame for that.</summary>
    private static readonly string[] s_ownFaults = ["EUSAGE", "EINTEGRITY", "EJSONPARSE", "ERESOLVE"];
    private readonly Dictionary<string, string?> _errors = [];

    /// <summary>Why nothing was run; null when it was.</summary>
    public string? Missing { get; private set; }

    /// <summary>What Node wrote besides the checks, and how it ended.</summary>
    public string Rest { get; private set; } = "";

    /// <summary>What was wrong with a check; null for nothing.</summary>
    public string? ErrorOf(string check) => _errors.TryGetValue(check, out var error) ? error : $"The script ended before this check. {Rest}";

    public async ValueTask InitializeAsync()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in (string[])["openai.mjs", "package.json", "package-lock.json"]) File.Copy(Repository.PathTo("Tests", "Node", file), folder.PathTo(file));
        Missing = await MissingNode(folder.FullPath) ?? await MissingPackages(folder.FullPath);
        if (Missing is not null) return;

        await File.WriteAllTextAsync(folder.PathTo("key"), Bootstrap);
        await using var gateway = await GatewayCluster.StartAsync(
            new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(4), OnToken = BeSick }, new GatewayHostOptions { BootstrapKeyFile = folder.PathTo("key") });
        await using var stopping = EmuProcess.Start("serve", "--engine", "simulated", "--port", "0", "--data", folder.PathTo("data"), "--stop-timeout", "10");
        var (code, output, error) = await Run(folder.FullPath, "node", ["openai.mjs"], new()
        {
            ["EMU3_STOP_URL"] = new Uri(await stopping.ServedAtAsync(TestContext.Current.CancellationToken), "v1").ToString(),
            ["EMU3_STOP_PID"] = $"{stopping.ProcessId}",
            ["OPENAI_BASE_URL"] = new Uri(gateway.Address, "v1").ToString(),
            ["OPENAI_API_KEY"] = Bootstrap,
        });
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!line.StartsWith("""{"check":""", StringComparison.Ordinal)) continue;
            var told = JsonSerializer.Deserialize<JsonElement>(line);
            _errors[told.GetProperty("check").GetString()!] = told.GetProperty("error").GetString();
        }

        Rest = $"Node ended with {code}. {error}";
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>An engine that breaks over one question, and over one picture.</summary>
    internal static void BeSick(GenerationRequest request, int at)
    {
        if (request is ImageRequest { Prompt: "Be sick" } || request is ChatRequest chat && chat.Messages.SelectMany(message => message.Parts).Any(part => part is ChatPart.Text { Value: "Be sick" }))
            throw new InvalidOperationException("sick");
    }

    private static async Task<string?> MissingNode(string folder)
    {
        try
        {
            var (_, version, _) = await Run(folder, "node", ["--version"]);
            await Run(folder, "npm", ["--version"]);
            return int.TryParse(version.TrimStart('v').Split('.')[0], out var major) && major >= MinNode
                ? null
                : $"The client for Node needs Node {MinNode}; here is {version.Trim()}.";
        }
        catch (Win32Exception notThere)
        {
            return $"There is no Node with npm here ({notThere.Message}). Debian's packages nodejs and npm have it.";
        }
    }

    private static async Task<string?> MissingPackages(string folder)
    {
        var (code, output, error) = await Run(folder, "npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        if (code == 0) return null;
        Assert.DoesNotContain(s_ownFaults, fault => error.Contains(fault, StringComparison.Ordinal));
        var reason = error.Split('\n').FirstOrDefault(line => line.StartsWith("npm error", StringComparison.Ordinal)) ?? $"{output} {error}";
        return $"npm could not fetch OpenAI's package: {reason.Trim()}";
    }

    private static async Task<(int Code, string Output, string Error)> Run(string folder, string program, string[] arguments, Dictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(s_patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            return (-1, await output, $"{program} took longer than {s_patience}. {await error}");
        }

        return (process.ExitCode, await output, await error);
    }
}
