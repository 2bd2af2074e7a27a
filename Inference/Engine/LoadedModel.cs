using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Engine;

/// <summary>A checkpoint on its device, with slots, ready to run. Made and used on the thread that owns the device.</summary>
internal sealed class LoadedModel : IDisposable
{
    private const int MostSlots = 64; // when the options leave it open
    private const double CacheShare = 0.5; // of free memory: the rest is for activations and the vision tokenizer

    public required Emu3Config Config { get; init; }
    public required TextTokenizer Tokenizer { get; init; }
    public required PromptTemplate Prompts { get; init; }
    public required Emu3Model Decoder { get; init; }
    public required KvCache Cache { get; init; }
    public required VisionTokenizer Vision { get; init; }

    /// <summary>Linear layers see multiples of this many rows.</summary>
    public required int RowFloor { get; init; }

    public required ModelFacts Facts { get; init; }
    public required NumericClass NumericClass { get; init; }

    /// <summary>Loads a checkpoint, tests its kernels and allocates its slots.</summary>
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
        Stage("reading the configuration");
        var folder = ModelFolder.Open(options.Model, options.Vision);
        var config = ConfigReader.Read(folder);
        var tokenizer = TextTokenizer.Load(folder);
        var prompts = new PromptTemplate(tokenizer, config.Tokens, ChatTemplate.Read(folder));
        var device = torch.device(options.Device);
        var dtype = Dtype(options);
        var threads = options.Threads == 0 ? Environment.ProcessorCount : options.Threads;
        set_num_threads(threads);

        if (options.Capabilities.Contains(EngineOptions.Chat) && !prompts.CanChat)
            throw new InvalidOperationException($"Engine:Capabilities has '{EngineOptions.Chat}', but the checkpoint {folder.Name} has no chat template.");

        Stage("reading the headers of the weights");
        using var loader = WeightLoader.Open(folder, device);
        var positions = Math.Min(options.SlotPositions == 0 ? config.Transformer.MaxPositions : options.SlotPositions, config.Transformer.MaxPositions);
        var facts = CheckpointFacts.Describe(folder, config, prompts, loader.WeightsHash, positions) with
        {
            CanDraw = options.Serves(EngineOptions.Images),
            CanChat = prompts.CanChat && options.Serves(EngineOptions.Chat),
        };
        Stage(new("loading weights", Share: 0, facts));
        loader.OnLoaded = share => progress?.Report(new("loading weights", share));
        var parts = new Stack<IDisposable>();
        try
        {
            var decoder = Own(new Emu3Model(config.Transformer, config.Tokens, TransformerWeights.Load(loader, config.Transformer, dtype), Emu3Model.Linear));
            var vision = Own(VisionTokenizer.Load(loader, config.Vision, config.Pixels));
            loader.EnsureAllTaken();

            Stage("testing row invariance");
            var floor = options.RowInvariance ? RowInvariance.FindFloor(decoder) : null;

            Stage("allocating slots");
            var slots = SlotCount(options, KvCache.SlotBytes(config.Transformer, positions, dtype), device);
            var cache = Own(new KvCache(config.Transformer, config.Transformer.LayerCount, slots, positions, dtype, device));

            return new LoadedModel
            {
                Config = config,
                Tokenizer = tokenizer,
                Prompts = prompts,
                Decoder = decoder,
                Cache = cache,
                Vision = vision,
                RowFloor = floor ?? 1,
                Facts = facts,
                NumericClass = new NumericClass(
                    $"emu3 {typeof(LoadedModel).Module.ModuleVersionId:N}; libtorch {TorchNative.Version}; {DeviceFacts.Describe(device)}; "
                    + $"{dtype.ToString().ToLowerInvariant()}; {threads} threads; floor {(floor is { } rows ? $"{rows}" : "none")}; weights {loader.WeightsHash}",
                    floor is not null),
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
        Vision.Dispose();
        Cache.Dispose();
        Decoder.Dispose();
    }

    private static ScalarType Dtype(EngineOptions options) => (options.Device, options.Dtype) switch
    {
        ("cpu", "bfloat16") => throw new InvalidOperationException("Engine:Dtype is bfloat16, but Engine:Device is cpu, which takes nothing but float32."),
        ("cpu", _) or (_, "float32") => ScalarType.Float32,
        _ => ScalarType.BFloat16,
    };

    private static int SlotCount(EngineOptions options, long slotBytes, Device device)
    {
        if (options.SlotCount > 0)
            return options.SlotCount;
        var count = (int)Math.Min(MostSlots, (long)(CacheShare * DeviceFacts.FreeBytes(device)) / slotBytes);
        return count > 0 ? count : throw new InvalidOperationException(
            $"A slot of this checkpoint takes {slotBytes >> 20} MiB, and {DeviceFacts.FreeBytes(device) >> 20} MiB are free on {options.Device}. "
            + "Engine:SlotPositions makes slots smaller.");
    }
}
