using Emu3.Inference.Cpu;
using Emu3.Inference.Memory;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Engine;

/// <summary>A checkpoint on its device, with slots, ready to run. Made and used on the thread that owns the device.</summary>
internal sealed class LoadedModel : IDisposable
{
    public required Emu3Config Config { get; init; }
    public required TextTokenizer Tokenizer { get; init; }
    public required PromptTemplate Prompts { get; init; }
    public required LoadedBackend Backend { get; init; }
    public required ModelFacts Facts { get; init; }

    /// <summary>Mapped for as long as the model runs.</summary>
    public required CheckpointFiles Files { get; init; }

    /// <summary>Loads a checkpoint and allocates its slots.</summary>
    /// <param name="options">Which, and where.</param>
    /// <param name="progress">Gets a few words at the start of each stage, what the checkpoint is, and how much of its weights is loaded.</param>
    /// <param name="cancellationToken">Looked at between stages.</param>
    /// <exception cref="CheckpointException">The checkpoint is broken.</exception>
    /// <exception cref="InvalidOperationException">The options do not fit the checkpoint or the device.</exception>
    public static LoadedModel Load(EngineOptions options, IProgress<LoadStage>? progress, CancellationToken cancellationToken)
    {
        void Stage(LoadStage what)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(what);
        }
        if (options is { Device: "cpu", Dtype: "bfloat16" })
            throw new InvalidOperationException("Engine:Dtype is bfloat16, but Engine:Device is cpu, which computes in float32 whatever the weights are stored as.");
        Stage("reading the configuration");
        var folder = ModelFolder.Open(options.Model, options.Vision);
        var config = ConfigReader.Read(folder);
        var tokenizer = TextTokenizer.Load(folder);
        var prompts = new PromptTemplate(tokenizer, config.Tokens, ChatTemplate.Read(folder));
        if (options.Capabilities.Contains(EngineOptions.Chat) && !prompts.CanChat)
            throw new InvalidOperationException($"Engine:Capabilities has '{EngineOptions.Chat}', but the checkpoint {folder.Name} has no chat template.");

        Stage("reading the headers of the weights");
        var parts = new Stack<IDisposable>();
        try
        {
            var files = Own(CheckpointFiles.Open(folder));
            // Before hashing and reading, which take minutes where weights are large. TorchSharp on the processor is for tests and benchmarks.
            var forecast = options.TorchOnCpu ? null
                : LoadForecast.Require(files, config, options, LoadForecast.UsesOf(options, prompts.CanChat), folder.Name);
            var facts = CheckpointFacts.Describe(folder, config, prompts, files.WeightsHash, SlotBudget.Positions(options, config.Transformer.MaxPositions)) with
            {
                CanDraw = options.Serves(EngineOptions.Images),
                CanChat = prompts.CanChat && options.Serves(EngineOptions.Chat),
            };
            Stage(new("loading weights", Share: 0, facts));
            var backend = Own(options.RunsOnTorch
                ? Accelerator.Required($"Engine:Device is {options.Device}").Load(files, config, options, Stage)
                : CpuBackend.Load(files, config, options, forecast?.SlotCount));
            files.EnsureAllTaken();
            return new LoadedModel
            {
                Config = config,
                Tokenizer = tokenizer,
                Prompts = prompts,
                Backend = backend,
                Files = files,
                Facts = facts,
            };
        }
        catch
        {
            // What is there so far has no owner yet.
            foreach (var part in parts)
                part.Dispose();
            throw;
        }

        T Own<T>(T part) where T : IDisposable
        {
            parts.Push(part);
            return part;
        }
    }

    public void Dispose()
    {
        Backend.Dispose();
        Files.Dispose();
    }
}
