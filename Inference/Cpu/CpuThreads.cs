using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Cpu;

/// <summary>The kernels of an engine, its threads, and each thread's scratch. One caller at a time.</summary>
internal sealed unsafe class CpuThreads : IDisposable
{
    private const int SmallestPart = 50_000; // multiply-adds: about a microsecond, which is what a call to the pool costs
    private const int PartsPerThread = 4; // a thread that was held up doesn't hold up all
    private const int OutputStep = 24; // what the product's tiles divide

    private readonly WorkerPool pool;
    private readonly NativeFloats[] scratch;
    private readonly List<(int Product, int From, int To)> ranges = [];
    private readonly Action<int, int> multiplyRange;
    private Product[] products = [];

    /// <param name="kernels">Which.</param>
    /// <param name="count">Threads, the caller included.</param>
    /// <param name="heads">Query heads that share keys.</param>
    /// <param name="headDim">Rounded up to whole lanes.</param>
    public CpuThreads(ICpuKernels kernels, int count, int heads, int headDim)
    {
        Kernels = kernels;
        pool = new WorkerPool(count);
        scratch = [.. Enumerable.Range(0, count).Select(_ => new NativeFloats(kernels.ScratchCount(heads, headDim)))];
        multiplyRange = (part, worker) =>
        {
            var (product, from, to) = ranges[part];
            Kernels.Multiply(products[product], from, to, scratch[worker].Address);
        };
    }

    public ICpuKernels Kernels { get; }

    public int Count => pool.Count;

    /// <summary>A thread's own, for one call of a kernel.</summary>
    public float* Scratch(int worker) => scratch[worker].Address;

    /// <summary>Computes all outputs of some products, none of which reads what another writes.</summary>
    public void Multiply(params Product[] all)
    {
        products = all;
        ranges.Clear();
        var cost = all.Sum(Cost);
        var wanted = Count == 1 ? 1 : Math.Max(1, Math.Min(PartsPerThread * Count, cost / SmallestPart));
        for (var i = 0; i < all.Length; i++)
        {
            var share = Math.Max(1, (int)Math.Round((double)wanted * Cost(all[i]) / cost));
            var step = ((all[i].Outputs + share - 1) / share + OutputStep - 1) / OutputStep * OutputStep;
            for (var from = 0; from < all[i].Outputs; from += step)
                ranges.Add((i, from, Math.Min(all[i].Outputs, from + step)));
        }
        pool.Run(ranges.Count, multiplyRange);

        static long Cost(Product product) => (long)product.Outputs * product.Inputs * product.Rows;
    }

    /// <summary>Runs a body over [0, count) in spans, on several threads if it is worth it.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cost">Of one, in simple operations on a number.</param>
    /// <param name="body">Gets the first, the one behind the last, and the worker.</param>
    public void For(int count, long cost, Action<int, int, int> body)
    {
        const int smallestPart = 10_000; // operations on single numbers take longer than multiply-adds of a product
        var parts = (int)Math.Min(count, Math.Min(PartsPerThread * Count, count * cost / smallestPart));
        if (Count == 1 || parts <= 1)
            body(0, count, 0);
        else
            pool.Run(parts, (part, worker) => body((int)((long)count * part / parts), (int)((long)count * (part + 1) / parts), worker));
    }

    public void Dispose()
    {
        pool.Dispose();
        foreach (var floats in scratch)
            floats.Dispose();
    }
}
