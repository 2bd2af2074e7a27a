using static TorchSharp.torch;

namespace Emu3.Inference.Weights;

/// <summary>
/// Hands out a checkpoint's tensors by their canonical name (<see cref="CheckpointLayout"/>), each in the type and on the device where it will be used.
/// Beside the loaded tensors nothing but page cache is taken. Use it on the thread that owns the device.
/// </summary>
public sealed class WeightLoader : IDisposable
{
    private readonly CheckpointFiles files;
    private readonly bool ownsFiles;
    private readonly Device device;
    private readonly DeviceCopier copier;
    private long loadedBytes;
    private int toldPercent;

    /// <param name="files">The checkpoint; must outlive the loader.</param>
    /// <param name="device">Where tensors go.</param>
    public WeightLoader(CheckpointFiles files, Device device) : this(files, ownsFiles: false, device) { }

    private WeightLoader(CheckpointFiles files, bool ownsFiles, Device device)
    {
        TorchNative.EnsureLoaded();
        (this.files, this.ownsFiles, this.device) = (files, ownsFiles, device);
        copier = new DeviceCopier(device);
    }

    /// <summary>Opens the files too, and closes them when it is disposed of.</summary>
    /// <exception cref="CheckpointException">As <see cref="CheckpointFiles.Open"/>.</exception>
    public static WeightLoader Open(ModelFolder folder, Device device) => new(CheckpointFiles.Open(folder), ownsFiles: true, device);

    /// <summary>Called at each percent of the weights that is loaded, with the share from 0 to 1. None by default.</summary>
    public Action<double>? OnLoaded { get; set; }

    /// <summary>The canonical names of all tensors, in no order; ignored ones are left out.</summary>
    public IReadOnlyCollection<string> Names => files.Names;

    /// <summary>Whether the checkpoint has a tensor.</summary>
    /// <param name="name">Canonical.</param>
    public bool Has(string name) => files.Has(name);

    /// <summary>The dimensions of a tensor, as its file has them.</summary>
    /// <param name="name">Canonical.</param>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public IReadOnlyList<long> ShapeOf(string name) => files.ShapeOf(name);

    /// <summary>One tensor, in memory of its own.</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="shape">What it must be. A projection of the vision attention may be stored with or without two dimensions of size 1 at its end.</param>
    /// <param name="dtype">Converted to this.</param>
    /// <exception cref="CheckpointException">There is no such tensor, or its shape is another.</exception>
    public Tensor Load(string name, ReadOnlySpan<long> shape, ScalarType dtype)
    {
        var source = files.Take(name, shape);
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
        MappedTensor[] parts = [.. names.Select((name, i) => files.Take(name, shapes[i]))];
        var stacked = empty([shapes.Sum(shape => shape[0]), .. shapes[0].AsSpan(1)], dtype: dtype, device: device);
        long row = 0;
        for (var i = 0; i < parts.Length; row += shapes[i][0], i++)
        {
            using var rows = stacked.narrow(0, row, shapes[i][0]);
            CopyInto(parts[i], rows);
        }

        return stacked;
    }

    /// <summary><see cref="CheckpointFiles.EnsureAllTaken"/></summary>
    public void EnsureAllTaken() => files.EnsureAllTaken();

    public void Dispose()
    {
        copier.Dispose();
        if (ownsFiles)
            files.Dispose();
    }

    private unsafe void CopyInto(MappedTensor source, Tensor target)
    {
        using var view = HostMemory.AsTensor(source.Address, target.shape, source.Entry.Dtype);
        copier.Copy(view, target);
        GC.KeepAlive(files);
        loadedBytes += source.Entry.ByteCount;
        var percent = (int)(100 * loadedBytes / Math.Max(1, files.ByteCount));
        if (percent <= toldPercent) return;
        toldPercent = percent;
        OnLoaded?.Invoke(percent / 100.0);
    }
}
