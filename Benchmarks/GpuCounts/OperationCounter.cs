using System.Runtime.InteropServices;
using Emu3.Inference.Weights;

namespace Emu3.Benchmarks.GpuCounts;

/// <summary>
/// Counts what libtorch does on this thread, through the hook that its own profiler uses (at::addThreadLocalCallback): every operation passes it, whoever calls it,
/// those inside other operations too. An operation counts unless it is named here as one that computes nothing itself; one that nobody has thought of counts.
/// The hook is a C++ function that takes a struct by value, so this fits the version of libtorch that it was written for, and says so when it sees nothing.
/// </summary>
public sealed unsafe class OperationCounter : IDisposable
{
    /// <summary>They make another view of a tensor, or memory without contents.</summary>
    private static readonly HashSet<string> s_views =
    [
        "alias", "as_strided", "chunk", "detach", "empty", "empty_like", "empty_strided", "expand", "expand_as", "narrow", "permute", "resolve_conj", "resolve_neg",
        "select", "slice", "split", "squeeze", "squeeze_", "t", "transpose", "unflatten", "unsqueeze", "unsqueeze_", "view", "_reshape_alias", "_unsafe_view",
    ];

    /// <summary>All their work is done by the operations inside them, which are counted.</summary>
    private static readonly HashSet<string> s_composites =
        ["_to_copy", "arange", "clone", "contiguous", "flatten", "full", "index_put_", "linalg_norm", "linear", "matmul", "reshape", "to", "zeros", "zeros_like"];

    /// <summary>
    /// What the processor does beside an operation's own kernel, and a device does inside it: filling the result of a reduction before it runs, widening an operand
    /// of another type, rolling by two copies, and closing the gaps between the matrices of a batch, which cuBLAS takes as they are.
    /// </summary>
    private static readonly HashSet<(string Parent, string Name)> s_insideOnProcessor =
        [("amax", "fill_"), ("sum", "fill_"), ("linalg_vector_norm", "fill_"), ("add", "copy_"), ("roll", "cat"), ("bmm", "copy_")];

    [ThreadStatic]
    private static OperationCounter? s_current;

    private readonly Stack<string> open = [];
    private readonly ulong handle;

    /// <summary>Begins to count on the calling thread; one counter at a time.</summary>
    /// <exception cref="InvalidOperationException">Another counter runs on this thread, or the hook does not work with this libtorch.</exception>
    public OperationCounter()
    {
        TorchNative.EnsureLoaded();
        if (s_current is not null)
            throw new InvalidOperationException("Operations are counted on this thread already.");
        s_name = (delegate* unmanaged<nint, nint>)NativeLibrary.GetExport(Library, "_ZNK2at14RecordFunction4nameEv");
        var add = (delegate* unmanaged<Callback, ulong>)NativeLibrary.GetExport(Library, "_ZN2at22addThreadLocalCallbackENS_22RecordFunctionCallbackE");
        handle = add(new Callback
        {
            Start = (nint)(delegate* unmanaged<nint, nint, nint>)&OnStart,
            End = (nint)(delegate* unmanaged<nint, nint, void>)&OnEnd,
            SamplingProbability = 1,
            Functions = 1,
        });
        s_current = this;
        using (TorchSharp.torch.zeros(1))
            if (TotalCount == 0)
                throw new InvalidOperationException($"libtorch {TorchNative.Version} calls no hook: the counter was written for 2.10.");
        Reset();
    }

    /// <summary>Operations that compute, by name, with how often each ran.</summary>
    public SortedDictionary<string, int> Operations { get; } = new(StringComparer.Ordinal);

    /// <summary>Operations that compute.</summary>
    public int Count => Operations.Values.Sum();

    /// <summary>All operations that passed the hook, views and those inside others too.</summary>
    public int TotalCount { get; private set; }

    /// <summary>Of these, calls by the program itself.</summary>
    public int CallCount { get; private set; }

    /// <summary>
    /// Those that make the host wait for the device, by name: their result is a number, or a size that depends on numbers. A fetch to the host is none on the processor:
    /// HostLink counts those.
    /// </summary>
    public IReadOnlyList<string> Waiting => [.. Operations.Keys.Where(key => key.Split(' ')[0] is "_local_scalar_dense" or "item" or "nonzero" or "masked_select" or "equal" or "is_nonzero" or "_unique2" or "unique_dim")];

    /// <summary>Forgets what was counted.</summary>
    public void Reset()
    {
        Operations.Clear();
        (TotalCount, CallCount) = (0, 0);
    }

    public void Dispose()
    {
        ((delegate* unmanaged<ulong, void>)NativeLibrary.GetExport(Library, "_ZN2at14removeCallbackEm"))(handle);
        s_current = null;
    }

    private static nint Library => NativeLibrary.Load("libtorch_cpu.so"); // loaded already: found by its name

    private static delegate* unmanaged<nint, nint> s_name;

    private void Begin(string name)
    {
        TotalCount++;
        CallCount += open.Count == 0 ? 1 : 0;
        var parent = open.FirstOrDefault(outer => !s_composites.Contains(outer)) ?? ""; // the nearest that computes
        var isOverload = open.Count > 0 && open.Peek() == name; // an operation that calls another form of itself
        open.Push(name);
        if (isOverload || s_views.Contains(name) || s_composites.Contains(name) || s_insideOnProcessor.Contains((parent, name)))
            return;
        var key = parent.Length == 0 ? name : $"{name} in {parent}";
        Operations[key] = Operations.GetValueOrDefault(key) + 1;
    }

    [UnmanagedCallersOnly]
    private static nint OnStart(nint result, nint function)
    {
        *(nint*)result = 0; // an empty std::unique_ptr, which is returned through memory
        var name = Marshal.PtrToStringUTF8(s_name(function)) ?? "";
        s_current?.Begin(name.StartsWith("aten::", StringComparison.Ordinal) ? name[6..] : name);
        return result;
    }

    [UnmanagedCallersOnly]
    private static void OnEnd(nint function, nint context) => s_current?.open.TryPop(out _);

    /// <summary>at::RecordFunctionCallback of libtorch 2.10.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Callback
    {
        public nint Start, End;
        public double SamplingProbability;
        public byte Functions; // RecordScope::FUNCTION; the other nine scopes follow
        public fixed byte OtherScopes[9];
        public byte NeedsInputs, NeedsOutputs, NeedsIds;
    }
}
