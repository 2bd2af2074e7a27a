using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Emu3.Cli.Commands;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Observability;
using Emu3.Storage;

namespace Emu3.Cli.Devices;

/// <summary>What the command line says about engines on this machine.</summary>
internal static class LocalEngines
{
    private static readonly string[] s_roles = ["worker"];
    private static readonly JsonSerializerOptions s_asConfiguration = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>The devices that are meant: those that were named, else all that there are.</summary>
    public static DeviceList DevicesOf(ClusterChoice choice) => choice.Devices ?? new DeviceList(choice.IsSimulated ? [$"{EngineOptions.Simulated}:0"] : VisibleDevices.List());

    /// <summary>That there are GPUs which the processor stands in for, as this build can't use them; null where that is not so.</summary>
    public static string? DescribeUnusedDevices(ClusterChoice choice)
    {
        var count = choice.Devices is null && !choice.IsSimulated && !choice.IsControlOnly ? VisibleDevices.UnusableCount : 0;
        return count == 0 ? null : $"{count} NVIDIA device{(count == 1 ? " is" : "s are")} left unused: {Accelerator.Missing}";
    }

    /// <summary>The engine of one device.</summary>
    /// <param name="choice">What the command line says.</param>
    /// <param name="devices">All devices: they share the cores.</param>
    /// <param name="device">One of them.</param>
    /// <param name="model">Checkpoint.</param>
    /// <exception cref="CommandException">A value is out of its range.</exception>
    public static EngineOptions OptionsOf(ClusterChoice choice, DeviceList devices, string device, string model)
    {
        var options = new EngineOptions
        {
            Model = model,
            Vision = choice.Vision,
            Device = device,
            Threads = devices.ThreadsOfEach(choice.Threads, Environment.ProcessorCount),
            PictureThreads = devices.PictureThreadsOfEach(choice.Threads, Environment.ProcessorCount),
            DataFolder = Path.GetFullPath(choice.Data),
        };
        options.Kind = choice.IsSimulated ? EngineOptions.Simulated : options.Kind;
        options.SlotCount = choice.Slots ?? options.SlotCount;
        options.SlotPositions = choice.Positions ?? options.SlotPositions;
        var problems = new List<ValidationResult>();
        return Validator.TryValidateObject(options, new(options), problems, validateAllProperties: true)
            ? options
            : throw CommandException.BadInput(string.Join(Environment.NewLine, problems.Select(problem => problem.ErrorMessage)));
    }

    /// <summary>Configuration of a silo that runs one engine and nothing else, as one line of JSON.</summary>
    public static string SettingsOf(ClusterConnection cluster, EngineOptions engine, WorkerOptions worker, MetricsOptions metrics) => JsonSerializer.Serialize(
        new { Cluster = cluster, Engine = engine, Worker = worker, Metrics = new { metrics.Address }, Silo = new { Roles = s_roles } }, s_asConfiguration);

    /// <summary>Where one of the processes serves its metrics: number 0 on the port that was named, the others on those after it.</summary>
    public static MetricsOptions MetricsOf(ClusterChoice choice, int process) => choice.Metrics is not { } metrics
        ? new()
        : new() { Address = new UriBuilder(metrics) { Port = metrics.Port == 0 ? 0 : metrics.Port + process }.Uri.GetLeftPart(UriPartial.Authority) };
}
