namespace Emu3.Inference.Weights;

/// <summary>
/// The weight files of a checkpoint, mapped into memory, and its tensors by their canonical name (<see cref="CheckpointLayout"/>). Loads no native library.
/// Nothing is read before it is used, and beside page cache, which the system takes back when it needs it, nothing is taken.
/// </summary>
/// <remarks>Addresses are valid until <see cref="Dispose"/>. Use it on one thread.</remarks>
public sealed unsafe class CheckpointFiles : IDisposable
{
    private readonly List<SafetensorsFile> files;
    private readonly Dictionary<string, Source> sources;
    private readonly HashSet<string> taken = [];
    private readonly Lazy<string> weightsHash;

    private CheckpointFiles(ModelFolder folder, List<SafetensorsFile> files, Dictionary<string, Source> sources)
    {
        this.files = files;
        this.sources = sources;
        weightsHash = new Lazy<string>(() => CheckpointHash.Compute(folder));
        ByteCount = sources.Values.Sum(source => source.Entry.ByteCount);
    }

    /// <summary>SHA-256 in hex over configuration and weights, computed when first asked for: see <see cref="CheckpointHash"/> for what goes in.</summary>
    public string WeightsHash => weightsHash.Value;

    /// <summary>The canonical names of all tensors, in no order; ignored ones are left out.</summary>
    public IReadOnlyCollection<string> Names => sources.Keys;

    /// <summary>Bytes of all tensors.</summary>
    public long ByteCount { get; }

    /// <summary>What the headers say of each tensor, by its canonical name.</summary>
    public IReadOnlyCollection<KeyValuePair<string, SafetensorsEntry>> Tensors => [.. sources.Select(source => KeyValuePair.Create(source.Key, source.Value.Entry))];

    /// <summary>Maps the weight files and checks their headers. Reads no weights.</summary>
    /// <exception cref="CheckpointException">A file is broken, or index and files disagree, or two tensors have one name.</exception>
    public static CheckpointFiles Open(ModelFolder folder)
    {
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (var shard in folder.Shards)
            {
                files.Add(SafetensorsFile.Open(shard.Path));
                RequireIndexed(shard, files[^1]);
            }

            return new CheckpointFiles(folder, files, Sources(folder, files));
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

    /// <summary>Finds a tensor, checks its shape, and notes that it was asked for.</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="shape">What it must be. A projection of the vision attention may be stored with or without two dimensions of size 1 at its end.</param>
    /// <exception cref="CheckpointException">There is no such tensor, or its shape is another.</exception>
    public MappedTensor Take(string name, ReadOnlySpan<long> shape)
    {
        var source = Find(name, $" of shape {Text(shape)}");
        if (!SameShape(name, source.Entry.Shape, shape))
        {
            throw new CheckpointException(
                $"Tensor '{source.Entry.Name}' in {source.File.Path} has the shape {Text([.. source.Entry.Shape])}; by the configuration it must be {Text(shape)}.");
        }

        taken.Add(name);
        return new MappedTensor(source.Entry, source.File.Path, source.File.Address(source.Entry));
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

    public void Dispose() => files.ForEach(file => file.Dispose());

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

/// <summary>A tensor where it lies in its mapped file.</summary>
/// <param name="entry">Type and shape.</param>
/// <param name="path">The file.</param>
/// <param name="address">Of the first number; read-only, and valid while the <see cref="CheckpointFiles"/> are.</param>
public sealed unsafe class MappedTensor(SafetensorsEntry entry, string path, byte* address)
{
    public SafetensorsEntry Entry => entry;

    public string Path => path;

    internal byte* Address => address;
}
