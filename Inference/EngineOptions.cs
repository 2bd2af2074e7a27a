using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Emu3.Inference.Batching;
using Emu3.Inference.Engine;

namespace Emu3.Inference;

/// <summary>Section <c>Engine</c>, and each of <c>Engines</c>: one engine on one device.</summary>
public sealed class EngineOptions : IValidatableObject
{
    /// <summary>The kind of engine that has no model: section <c>Simulation</c> says how it behaves.</summary>
    public const string Simulated = "simulated";

    /// <summary>Draws pictures: see <see cref="Capabilities"/>.</summary>
    public const string Images = "images";

    /// <summary>Answers in text: see <see cref="Capabilities"/>.</summary>
    public const string Chat = "chat";

    /// <summary><c>emu3</c> runs a checkpoint. <c>simulated</c> pretends to: to try a cluster at sizes that there are no devices for.</summary>
    [RegularExpression("emu3|simulated")]
    public string Kind { get; set; } = "emu3";

    /// <summary>
    /// Folder of the checkpoint, or the name of one in the local Hugging Face cache (<c>BAAI/Emu3-Gen-hf</c>). Of a simulated engine, the name that
    /// requests use; default <c>simulated</c>.
    /// </summary>
    public string Model { get; set; } = "";

    /// <summary>The model's name in a few words: of a folder, its last part.</summary>
    [JsonIgnore]
    public string ModelName => Path.GetFileName(Path.TrimEndingDirectorySeparator(Model)) is { Length: > 0 } name ? name : Kind;

    /// <summary>
    /// What it is used for: <c>images</c>, <c>chat</c>. Default: all that the checkpoint can. Workers of one checkpoint should agree on it.
    /// </summary>
    public string[] Capabilities { get; set; } = [];

    /// <summary>Folder of the vision tokenizer. Needed by the original layout only, whose vision tokenizer is a checkpoint of its own.</summary>
    public string? Vision { get; set; }

    /// <summary><c>cpu</c> or <c>cuda:N</c>; <c>simulated:N</c> for a simulated engine. Default: <c>cpu</c>, or <c>simulated:0</c>.</summary>
    [RegularExpression("cpu|cuda:[0-9]+|simulated:[0-9]+")]
    public string Device
    {
        get => field ?? (Kind == Simulated ? $"{Simulated}:0" : "cpu");
        set;
    }

    /// <summary>
    /// What the device is known by, behind the host's name: in results, in diagnoses, and in the ledger that quarantines faulty devices. The same after every
    /// restart, and another one for each device of a host. Default: the UUID of a GPU, as <c>nvidia-smi -L</c> prints it (<c>GPU-…</c>), since two containers on
    /// one host may both call theirs <c>cuda:0</c>; else <see cref="Device"/>. Several workers on the processor of one host are told apart by it, as by the names
    /// of their pods.
    /// </summary>
    [RegularExpression("[^/+\\s]+", ErrorMessage = "The DeviceId must have no slash, no plus and no space in it.")]
    public string? DeviceId { get; set; }

    /// <summary>Type of weights, cache and activations of the transformer. <c>auto</c>: float32 on the CPU, bfloat16 on CUDA. The CPU takes nothing but float32.</summary>
    [RegularExpression("auto|float32|bfloat16")]
    public string Dtype { get; set; } = "auto";

    /// <summary>Threads of the CPU's kernels for passes of the language model; 0 takes one a core. They change no bit of any token. Ignored on CUDA.</summary>
    [Range(0, 1024)]
    public int Threads { get; set; }

    /// <summary>
    /// Threads that encode and decode pictures on the CPU beside the passes, which go on meanwhile; they change no bit of any picture. While no pass runs, pictures
    /// use the threads of the passes where those are more. 0: none; pictures are computed on the passes' threads, in pieces between passes, as they always are on
    /// CUDA. Default: the cores that <see cref="Threads"/> leaves, at most as many again, and at least 1: where passes use all cores, a single thread beside them
    /// still gives more pictures a second than taking turns does (Benchmarks/results/decoding.md).
    /// </summary>
    [Range(0, 1024)]
    public int? PictureThreads { get; set; }

    /// <summary>Sequences at once; 0 sizes them from free memory, 64 at most.</summary>
    [Range(0, 4096)]
    public int SlotCount { get; set; }

    /// <summary>Positions of a slot; 0 takes the model's.</summary>
    [Range(0, 1 << 20)]
    public int SlotPositions { get; set; }

    /// <summary>Prompt rows of one step, over all sequences: bounds how long a long prompt holds up the others.</summary>
    [Range(1, 1 << 16)]
    public int PrefillChunk { get; set; } = 256;

    /// <summary>
    /// On CUDA, pads every step to the row count found by the self-test at load, so that a sequence's bits do not depend on its neighbours.
    /// Off only to measure what that costs: results are then marked as not reproducible. Ignored on the CPU, where they never do.
    /// </summary>
    public bool RowInvariance { get; set; } = true;

    /// <summary>
    /// Draws several tokens of a sequence in one step where guesses of them turn out right (docs/decisions/0015). No token depends on it: off only to measure
    /// what it gains. Ignored without row invariance, where a token would depend on it.
    /// </summary>
    public bool ParallelDecoding { get; set; } = true;

    /// <summary>
    /// Folder of what an engine keeps between starts: on CUDA the verdict of the self-test of row invariance, which takes a while. Default: the data folder of an
    /// embedded cluster; none elsewhere, where the test runs at every start. Ignored on the CPU.
    /// </summary>
    public string? DataFolder { get; set; }

    /// <summary>Pixels of an input picture at most, checked in its header before it is decoded.</summary>
    [Range(1L, long.MaxValue)]
    public long MaxInputPixels { get; set; } = 178_956_970;

    /// <summary>What belongs together.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var isSimulated = Kind == Simulated;
        if (!isSimulated && string.IsNullOrWhiteSpace(Model)) yield return new("The Model field is required.", [nameof(Model)]);
        foreach (var unknown in Capabilities.Except([Images, Chat]))
            yield return new($"The Capabilities have '{unknown}'; allowed are '{Images}' and '{Chat}'.", [nameof(Capabilities)]);
        if (isSimulated != Device.StartsWith($"{Simulated}:", StringComparison.Ordinal))
            yield return new($"The Device {Device} is not for engines of the kind {Kind}: {(isSimulated ? "simulated:N is" : "cpu and cuda:N are")}.", [nameof(Device)]);
        else if (!isSimulated && Device != "cpu" && !Accelerator.IsInstalled)
            yield return new($"The Device is {Device}, but {Accelerator.Missing}.", [nameof(Device)]);
    }

    /// <summary>For tests and benchmarks: TorchSharp on the CPU too, in place of our own kernels.</summary>
    internal bool TorchOnCpu { get; set; }

    /// <summary>For tests and benchmarks: chooses the windows of parallel decoding in place of the cost model.</summary>
    internal IWindowPolicy? Windows { get; set; }

    /// <summary>For benchmarks: where a request's guesses come from; null for those that suit it.</summary>
    internal Func<GenerationRequest, IDraftSource>? Drafts { get; set; }

    /// <summary>For tests: a lone picture is computed beside the passes too, and not by the engine's thread.</summary>
    internal bool PicturesAlwaysBeside { get; set; }

    /// <summary>Threads of the CPU's kernels.</summary>
    internal int ThreadCount => Threads == 0 ? Environment.ProcessorCount : Threads;

    /// <summary>Threads for pictures beside those.</summary>
    internal int PictureThreadCount => PictureThreads ?? Math.Clamp(Environment.ProcessorCount - ThreadCount, 1, ThreadCount);

    /// <summary>Whether TorchSharp computes.</summary>
    internal bool RunsOnTorch => TorchOnCpu || Device != "cpu";

    /// <summary><see cref="DeviceId"/>, or its default.</summary>
    public string FindDeviceId() => DeviceId ?? (Device.StartsWith("cuda:", StringComparison.Ordinal) ? CudaDriver.Uuid(Device) : null) ?? Device;

    /// <summary>Whether it is used for this.</summary>
    internal bool Serves(string capability) => Capabilities.Length == 0 || Capabilities.Contains(capability);
}
