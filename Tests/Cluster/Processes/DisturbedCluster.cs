using System.Diagnostics;
using Emu3.Benchmarks.Chaos;
using Emu3.Benchmarks.Processes;
using Emu3.Storage;
using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>
/// Two control silos, two workers with the small model and a gateway, as processes that are started again when they end, for tests that disturb them
/// one after the other; and what the pictures of their jobs come to when nobody does.
/// </summary>
public abstract class DisturbedCluster : IAsyncLifetime
{
    /// <summary>The machine may be busy with other things.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);
    private readonly TemporaryFolder _folder = new();
    private Supervisor? _supervisor;
    private DataFolder _data = null!;

    internal ProcessCluster Processes { get; private set; } = null!;
    internal JobClient Client { get; private set; } = null!;
    internal IBlobStore Blobs { get; private set; } = null!;

    /// <summary>Pictures that take long enough to be disturbed inside.</summary>
    internal PictureJob Work { get; } = new(RecipeCount: 16, Size: "128x128");

    /// <summary>Outcomes by recipe.</summary>
    internal IReadOnlyList<SeenOutcome> Undisturbed { get; private set; } = null!;

    /// <summary>Why there is no such cluster here; null where there is.</summary>
    internal string? Refusal { get; private set; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var plan = new ProcessClusterPlan
        {
            Folder = _folder.FullPath,
            ControlCount = 2,
            WorkerSettings = new Dictionary<string, string>(ProcessClusterPlan.TinyModel())
            {
                // Often: what is killed leaves something to go on from, and the test sees it soon.
                ["Worker:CheckpointPeriod"] = "00:00:00.100",
                ["Worker:HeartbeatPeriod"] = "00:00:00.100",
            },
        };
        (var complete, Refusal) = await CompleteAsync(plan);
        if (complete is null) return;
        Processes = await ProcessCluster.StartAsync(complete, Cancellation);
        _supervisor = new(Processes);
        _data = DataFolder.At(complete.DataFolder);
        Blobs = ConnectionOf(_data).OpenBlobs();
        Client = new(Processes.GatewayAddresses);
        await Processes.ConnectAsync(Cancellation); // takes longer than a picture
        Undisturbed = await Work.RunUndisturbedAsync(Client, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_supervisor is not null) await _supervisor.DisposeAsync();
        Client?.Dispose();
        if (Processes is not null) await Processes.DisposeAsync();
        await EndStoreAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Waits until nothing is left of what was done to it: every process runs, and the workers' models are loaded.</summary>
    internal async Task WholeAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(Patience);
        try
        {
            while (!Processes.All.All(process => process is { IsRunning: true, IsFrozen: false }) || !Processes.Workers.All(IsLoaded))
                await Task.Delay(s_look, TimeProvider.System, patience.Token);
        }
        catch (OperationCanceledException) when (!Cancellation.IsCancellationRequested)
        {
            Assert.Fail($"The processes do not come back.{Environment.NewLine}{Processes.TellLogs()}");
        }

        await Processes.ReadyAsync(Processes.Workers.Count, Cancellation);
    }

    /// <summary>
    /// Freezes processes at a moment at which none of them keeps the others from writing. One that did would hold up the whole cluster until it goes on or
    /// is killed (docs/operations.md); that nothing is lost by it, SharedSqliteTests show.
    /// </summary>
    internal async Task FreezeAsync(IReadOnlyList<ClusterProcess> processes)
    {
        for (var started = Stopwatch.GetTimestamp(); ;)
        {
            foreach (var process in processes) Assert.True(process.Freeze());
            if (await Task.Run(() => CanWrite(_data))) return;
            foreach (var process in processes) process.Thaw();
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, "The store is never free while they are frozen.");
            TestContext.Current.SendDiagnosticMessage("Frozen inside a transaction; once more.");
            await Task.Delay(s_look, TimeProvider.System, Cancellation);
        }
    }

    /// <summary>The plan with a store of this kind, or why there is none.</summary>
    private protected abstract Task<(ProcessClusterPlan? Plan, string? Refusal)> CompleteAsync(ProcessClusterPlan plan);

    /// <summary>Where the blobs of the cluster are.</summary>
    private protected virtual ClusterConnection ConnectionOf(DataFolder data) => new() { DataFolder = data.FullPath };

    /// <summary>Whether the store takes something now.</summary>
    private protected virtual bool CanWrite(DataFolder data) => true;

    private protected virtual Task EndStoreAsync() => Task.CompletedTask;

    private static bool IsLoaded(ClusterProcess worker) => worker.ReadLogOfThisLife().Contains(" is ready on ", StringComparison.Ordinal);
}
