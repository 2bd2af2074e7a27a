namespace Emu3.Benchmarks.Processes;

/// <summary>What a <see cref="ProcessCluster"/> is made of.</summary>
internal sealed record ProcessClusterPlan
{
    /// <summary>Holds the data folder (<c>data</c>) and the logs (<c>logs</c>). The caller removes it.</summary>
    public required string Folder { get; init; }

    /// <summary>Silos with the role <c>control</c>.</summary>
    public int ControlCount { get; init; } = 1;

    /// <summary>Silos with the role <c>worker</c>.</summary>
    public int WorkerCount { get; init; } = 2;

    public int GatewayCount { get; init; } = 1;

    /// <summary>Settings of every process, by their names in configuration, as <c>Logging:LogLevel:Default</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the worker silos: their engine, how they report.</summary>
    public IReadOnlyDictionary<string, string> WorkerSettings { get; init; } = TinyModel();

    public string DataFolder => Path.Combine(Folder, "data");
    public string LogFolder => Path.Combine(Folder, "logs");

    /// <summary>Workers with the small checkpoint of the repository, on one thread.</summary>
    /// <param name="slotCount">A guided picture takes two.</param>
    public static Dictionary<string, string> TinyModel(int slotCount = 8) => new()
    {
        ["Engine:Model"] = Places.Model,
        ["Engine:Threads"] = "1",
        ["Engine:SlotCount"] = $"{slotCount}",
    };
}
