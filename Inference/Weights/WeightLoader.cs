using static TorchSharp.torch;

namespace Emu3.Inference.Weights;

/// <summary>
/// Hands out a checkpoint's tensors by their canonical name (<see cref="CheckpointLayout"/>), each in the type and on the device where it will be used.
/// The files are mapped into memory: beside the loaded tensors nothing but page cache is taken, which the system takes back when it needs it.
/// Use it on the thread that owns the device.
/// </summary>
public sealed class WeightLoader : IDisposable
{
    private readonly Device device;
    private readonly DeviceCopier copier;
    private readonly List<SafetensorsFile> files;
    private readonly Dictionary<string, Source> sources;
    private readonly HashSet<string> taken = [];
    private readonly Lazy<string> weightsHash;
    private readonly long byteCount;
    private long loadedBytes;
    private int toldPercent;

    private WeightLoader(ModelFolder folder, Device device, List<SafetensorsFile> files, Dictionary<string, Source> sources)
    {
        this.device = device;
        this.files = files;
        this.sources = sources;
        copier = new DeviceCopier(device);
        byteCount = sources.Values.Sum(source => source.Entry.ByteCount);
        weightsHash = new Lazy<string>(() => CheckpointHash.Compute(folder));
    }

    /// <summary>SHA-256 in hex over configuration and weights, computed when first asked for: see <see cref="CheckpointHash"/> for what goes in.</summary>
    public string WeightsHash => weightsHash.Value;

    /// <summary>Called at each percent of the weights that is loaded, with the share from 0 to 1. None by default.</summary>
    public Action<double>? OnLoaded { get; set; }

    /// <summary>The canonical names of all tensors, in no order; ignored ones are left out.</summary>
    public IReadOnlyCollection<string> Names => sources.Keys;

    /// <summary>Maps the weight files and checks their headers. Reads no weights.</summary>
    /// <exception cref="CheckpointException">A file is broken, or index and files disagree, or two tensors have one name.</exception>
    public static WeightLoader Open(ModelFolder folder, Device device)
    {
        TorchNative.EnsureLoaded();
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (var shard in folder.Shards)
            {
                files.Add(SafetensorsFile.Open(shard.Path));
                RequireIndexed(shard, files[^1]);
            }

            return new WeightLoader(folder, device, files, Sources(folder, files));
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Whether the checkpoint has a tensor.</summary>
    /// <param name="name">Canonical.</param>
    public bool Has(string name) => sources.ContainsKey(name);

    /// <summary>The dimensions of a tensor, as its file has them.</summary>
    /// <param name="name">Canonical.</param>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public IReadOnlyList<long> ShapeOf(string name) => Find(name).Entry.Shape;

    /// <summary>One tensor, in memory of its own.</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="shape">What it must be. A projection of the vision attention may be stored with or without two dimensions of size 1 at its end.</param>
    /// <param name="dtype">Converted to this.</param>
    /// <exception cref="CheckpointException">There is no such tensor, or its shape is another.</exception>
    public Tensor Load(string name, ReadOnlySpan<long> shape, ScalarType dtype)
    {
        var source = Take(name, shape);
        var tensor = empty(shape.ToArray(), dtype: dtype, device: device);
        CopyInto(source, tensor);
        return tensor;
    }

    /// <summary>Several tensors as one, the rows of the first on top: q, k and v of an attention, gate and up of an MLP, or their biases.</summary>
    /// <param name="names">Canonical.</param>
    /// <param name="shapes">Of each; equal but for their first dimension.</param>
    /// <param name="dtype">Converted to this.</param>
    /// <exception cref="CheckpointException">A tensor is missing, or its shape is another.</exception>
    public Tensor LoadStacked(IReadOnlyList<string> names, IReadOnlyList<long[]> shapes, ScalarType dtype)
    {
        Source[] parts = [.. names.Select((name, i) => Take(name, shapes[i]))];
        var stacked = empty([shapes.Sum(shape => shape[0]), .. shapes[0].AsSpan(1)], dtype: dtype, device: device);
        long row = 0;
        for (var i = 0; i < parts.Length; row += shapes[i][0], i++)
        {
            using var rows = stacked.narrow(0, row, shapes[i][0]);
            CopyInto(parts[i], rows);
        }

        return stacked;
    }

    /// <summary>Call it when a model has all it knows of: what is left belongs to another model.</summary>
    /// <exception cref="CheckpointException">Tensors were never loaded; the message names them.</exception>
    public void EnsureAllTaken()
    {
        var left = sources.Where(s => !taken.Contains(s.Key)).Select(s => s.Value).OrderBy(s => s.Entry.Name, StringComparer.Ordinal).ToList();
        if (left.Count > 0)
        {
            const int named = 10;
            throw new CheckpointException(
                $"The checkpoint has {left.Count} tensors that its configuration has no place for: "
                + string.Join("; ", left.Take(named).Select(s => $"{s.Entry.Name} [{string.Join(", ", s.Entry.Shape)}] in {s.File.Path}"))
                + (left.Count > named ? "; …" : "."));
        }
    }

    public void Dispose()
    {
        copier.Dispose();
        files.ForEach(file => file.Dispose());
    }

    private unsafe void CopyInto(Source source, Tensor target)
    {
        using var view = HostMemory.AsTensor(source.File.Address(source.Entry), target.shape, source.Entry.Dtype);
        copier.Copy(view, target);
        GC.KeepAlive(source.File);
        loadedBytes += source.Entry.ByteCount;
        var percent = (int)(100 * loadedBytes / Math.Max(1, byteCount));
        if (percent <= toldPercent) return;
        toldPercent = percent;
        OnLoaded?.Invoke(percent / 100.0);
    }

    /// <summary>Finds a tensor, checks its shape, and notes that it was asked for.</summary>
    private Source Take(string name, ReadOnlySpan<long> shape)
    {
        var source = Find(name, $" of shape {Text(shape)}");
        if (!SameShape(name, source.Entry.Shape, shape))
        {
            throw new CheckpointException(
                $"Tensor '{source.Entry.Name}' in {source.File.Path} has the shape {Text([.. source.Entry.Shape])}; by the configuration it must be {Text(shape)}.");
        }

        taken.Add(name);
        return source;
    }

    private Source Find(string name, string wanted = "") => sources.TryGetValue(name, out var source)
        ? source
        : throw new CheckpointException($"Tensor '{name}'{wanted} is in none of the weight files: {string.Join(", ", files.Take(3).Select(file => file.Path))}{(files.Count > 3 ? ", …" : "")}.");

    private static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    private static bool SameShape(string name, IReadOnlyList<long> found, ReadOnlySpan<long> expected)
    {
        long[] stored = [.. found];
        return stored.AsSpan().SequenceEqual(expected)
            || (CheckpointLayout.IsVisionProjection(name) && WithoutKernel(stored).SequenceEqual(WithoutKernel(expected)));
    }

    private static ReadOnlySpan<long> WithoutKernel(ReadOnlySpan<long> shape) => shape is [.., 1, 1] && shape.Length == 4 ? shape[..2] : shape;

    private static void RequireIndexed(WeightShard shard, SafetensorsFile file)
    {
        if (shard.Indexed?.FirstOrDefault(name => !file.Entries.ContainsKey(name)) is { } missing)
        {
            throw new CheckpointException($"Tensor '{missing}' is not in {shard.Path}, where the index has it.");
        }
    }

    private static Dictionary<string, Source> Sources(ModelFolder folder, List<SafetensorsFile> files)
    {
        var naming = folder.IsOriginal ? TensorNaming.Original
            : CheckpointLayout.Detect(files.SelectMany(file => file.Entries.Keys)) ?? throw new CheckpointException(
                $"No tensor in {folder.Language} has a name of an Emu3 checkpoint in a transformers layout (text_model.…, vqmodel.…, model.text_model.…, model.vqmodel.…).");
        var sources = new Dictionary<string, Source>();
        foreach (var (shard, file) in folder.Shards.Zip(files))
        {
            foreach (var entry in file.Entries.Values.Where(entry => !CheckpointLayout.IsIgnored(entry.Name)))
            {
                // A name that the layout does not know keeps its own: nobody will ask for it, and EnsureAllTaken names it.
                var name = CheckpointLayout.Canonical(naming, entry.Name, shard.IsVision) ?? entry.Name;
                if (!sources.TryAdd(name, new Source(file, entry)))
                {
                    throw new CheckpointException($"Tensor '{entry.Name}' is in {sources[name].File.Path} as '{sources[name].Entry.Name}' and in {file.Path} again.");
                }
            }
        }

        return sources;
    }

    private sealed record Source(SafetensorsFile File, SafetensorsEntry Entry);
}
