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

    /// <summary>False leaves it to the caller to start them, later.</summary>
    public bool StartsWorkers { get; init; } = true;

    public int GatewayCount { get; init; } = 1;

    /// <summary>Settings of every process, by their names in configuration, as <c>Logging:LogLevel:Default</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the worker silos: their engine, how they report.</summary>
    public IReadOnlyDictionary<string, string> WorkerSettings { get; init; } = TinyModel();

    /// <summary>Settings of the gateways.</summary>
    public IReadOnlyDictionary<string, string> GatewaySettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Where the programs are that its processes start with.</summary>
    public string ProgramFolder { get; init; } = AppContext.BaseDirectory;

    /// <summary>Connection string of a PostgreSQL database; null keeps the tables in the folder, in SQLite.</summary>
    public string? Postgres { get; init; }

    /// <summary>True when the tables of <see cref="Postgres"/> are there; otherwise this program makes them.</summary>
    public bool HasTables { get; init; }

    /// <summary>Variables of a process beside its settings, by its name.</summary>
    public Func<string, IReadOnlyDictionary<string, string>> EnvironmentOf { get; init; } = _ => new Dictionary<string, string>();

    /// <summary>Where silos are reached and how they are started there, by name; one that is not named runs beside this process.</summary>
    public IReadOnlyDictionary<string, SiloPlace> SiloPlaces { get; init; } = new Dictionary<string, SiloPlace>();

    /// <summary>Names of the silos, control silos first.</summary>
    public IReadOnlyList<string> SiloNames =>
        [.. Enumerable.Range(0, ControlCount).Select(number => $"control-{number}"), .. Enumerable.Range(0, WorkerCount).Select(number => $"worker-{number}")];

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

    /// <summary>Workers without a model.</summary>
    /// <param name="slotCount">A guided picture takes two.</param>
    /// <param name="timePerToken">A picture has 75.</param>
    public static Dictionary<string, string> Simulated(int slotCount, TimeSpan timePerToken) => new()
    {
        ["Engine:Kind"] = "simulated",
        ["Engine:SlotCount"] = $"{slotCount}",
        ["Simulation:TimePerToken"] = $"{timePerToken}",
    };
}

/// <summary>A place on a network of its own.</summary>
/// <param name="Address">At which other processes reach it.</param>
/// <param name="Launcher">Starts a program there.</param>
internal sealed record SiloPlace(string Address, IReadOnlyList<string> Launcher);
