using System.CommandLine;
using Emu3.Cli.Devices;
using Emu3.Inference;
using Emu3.Storage;

namespace Emu3.Cli.Commands;

/// <summary>Where a command's cluster is: someone's gateway, or the one of a data folder. Options that every command has.</summary>
internal sealed class ClusterOptions
{
    private const string KeyVariable = "EMU3_API_KEY";

    private readonly Option<Uri?> _server = new("--server")
    {
        Description = "Address of a gateway. Without it, the cluster runs in this process.",
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : Refuse<Uri>(result, "--server must be an address such as http://localhost:8080."),
    };

    private readonly Option<string?> _key = new("--key")
    {
        Description = $"Key of the API, where the gateway asks for one. Default: the environment's {KeyVariable}, which other users of this machine don't see.",
    };

    private readonly Option<string> _data = new Option<string>("--data")
    {
        Description = "Data folder of the cluster that runs in this process.",
        DefaultValueFactory = _ => DataFolder.DefaultPath,
    }.NotEmpty();

    private readonly Option<string?> _model = new Option<string?>("--model")
    {
        Description = "Folder of an Emu3 checkpoint, or the name of one in the local Hugging Face cache (BAAI/Emu3-Gen-hf). Default: models/emu3-tiny. "
            + "With --server: name of a model that it serves.",
    }.NotEmpty();

    private readonly Option<string> _engine = new("--engine")
    {
        Description = "emu3 runs a checkpoint. simulated pretends to, without a model: to try a cluster.",
        DefaultValueFactory = _ => "emu3",
    };

    private readonly Option<string?> _vision =
        new Option<string?>("--vision") { Description = "Folder of the vision tokenizer; needed by the original layout only." }.NotEmpty();


    private readonly Option<DeviceList?> _devices = new("--devices", "--device")
    {
        Description = "cpu or cuda:N, several separated by commas: each is run by a process of its own. Default: all NVIDIA devices, where this build has GPU support (-p:Accelerator=cuda); else cpu. "
            + "With --engine simulated: simulated:N.",
        CustomParser = result => DeviceList.Parse(result.Tokens[0].Value) switch
        {
            ({ } list, _) => list,
            (_, var wrong) => Refuse<DeviceList>(result, $"--devices: {wrong}"),
        },
    };

    private readonly Option<int?> _threads = new Option<int?>("--threads") { Description = "Threads of the processor's kernels, for each device. Default: one a core, shared among the devices." }.Within(1);
    private readonly Option<int?> _slots = new Option<int?>("--slots") { Description = "Sequences at once; a guided picture takes two. Default: by free memory, 64 at most." }.Within(1);
    private readonly Option<int?> _positions = new Option<int?>("--positions") { Description = "Positions of a sequence at most: its prompt with its picture or answer. Fewer take less memory. Default: the model's." }.Within(1);
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Logs of the cluster on standard error, and stack traces." };

    public void AddTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_key);
        command.Options.Add(_data);
        AddKindTo(command);
        AddEngineTo(command);
        command.Options.Add(_verbose);
    }

    /// <summary>Without an engine: for commands that are about jobs.</summary>
    public void AddControlTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_key);
        command.Options.Add(_data);
        command.Options.Add(_verbose);
    }

    /// <summary>Without <c>--server</c>: for commands that are about this machine.</summary>
    public void AddLocalTo(Command command)
    {
        command.Options.Add(_data);
        AddEngineTo(command);
        command.Options.Add(_verbose);
    }

    /// <summary>The kind of engine: for commands that run one for its work.</summary>
    public void AddKindTo(Command command) => command.Options.Add(_engine.AcceptOnlyFromAmong("emu3", EngineOptions.Simulated));

    /// <summary>Whether the data folder was named, and is not the default.</summary>
    public bool IsDataSaid(ParseResult result) => result.GetResult(_data) is { Implicit: false };

    public ClusterChoice Read(ParseResult result) => new()
    {
        Server = result.GetValue(_server),
        Key = result.GetValue(_key) ?? (Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key ? key : null),
        Data = result.GetValue(_data)!,
        Model = result.GetValue(_model),
        IsSimulated = result.GetValue(_engine) == EngineOptions.Simulated,
        Vision = result.GetValue(_vision),
        Devices = result.GetValue(_devices),
        Threads = result.GetValue(_threads),
        Slots = result.GetValue(_slots),
        Positions = result.GetValue(_positions),
        IsVerbose = result.GetValue(_verbose),
    };

    private void AddEngineTo(Command command)
    {
        command.Options.Add(_model);
        command.Options.Add(_vision);
        command.Options.Add(_devices);
        command.Options.Add(_threads);
        command.Options.Add(_slots);
        command.Options.Add(_positions);
    }

    private static T? Refuse<T>(System.CommandLine.Parsing.ArgumentResult result, string message) where T : class
    {
        result.AddError(message);
        return null;
    }
}

/// <summary>What the command line says about the cluster.</summary>
internal sealed record ClusterChoice
{
    /// <summary>A gateway; null for the cluster of <see cref="Data"/>.</summary>
    public Uri? Server { get; init; }

    /// <summary>What the gateway is shown; null for nothing.</summary>
    public string? Key { get; init; }
    public required string Data { get; init; }

    /// <summary>As it was typed; null for the default.</summary>
    public string? Model { get; init; }

    /// <summary>The engine has no model.</summary>
    public bool IsSimulated { get; init; }
    public string? Vision { get; init; }

    /// <summary>Null for all that this machine has.</summary>
    public DeviceList? Devices { get; init; }
    public int? Threads { get; init; }
    public int? Slots { get; init; }

    /// <summary>Of a slot; null for the model's.</summary>
    public int? Positions { get; init; }
    public bool IsVerbose { get; init; }

    /// <summary>What is asked for may wait for a worker: a model that none has loaded at the moment will do.</summary>
    public bool CanWait { get; init; }

    /// <summary>No engine is started: only jobs are asked for.</summary>
    public bool IsControlOnly { get; init; }

    /// <summary>A file with the key of an admin, for the gateway of this process; null for none.</summary>
    public string? BootstrapKeyFile { get; init; }

    /// <summary>Others send requests while it runs, so some slots are kept from batch work for those who wait.</summary>
    public bool IsForOthers { get; init; }

    /// <summary>Time that answers have to finish when the gateway of this process is told to stop.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Networks that webhooks may reach though they are private; where there are any, by plain http as well.</summary>
    public IReadOnlyList<string> WebhookNetworks { get; init; } = [];

    /// <summary>Sites whose pages may call its gateway.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>Where metrics are served; null: nowhere.</summary>
    public Uri? Metrics { get; init; }
}
