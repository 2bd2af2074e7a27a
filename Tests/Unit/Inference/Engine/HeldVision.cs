using System.Collections.Concurrent;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>A vision tokenizer whose pieces wait, fail, and say on which thread they run, as a test wants it.</summary>
internal sealed class HeldVision(IVisionTokenizer inner) : IVisionTokenizer
{
    private readonly ManualResetEventSlim open = new(initialState: true);
    private readonly ConcurrentQueue<Exception> failures = [];
    private TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int openCount;

    /// <summary>Names of the threads that computed.</summary>
    public ConcurrentBag<string?> Threads { get; } = [];

    /// <summary>Works that were begun and not disposed of.</summary>
    public int OpenCount => Volatile.Read(ref openCount);

    /// <summary>Pieces that begin from now on wait. The task ends when one does.</summary>
    public Task Hold()
    {
        entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        open.Reset();
        return entered.Task;
    }

    /// <summary>They go on.</summary>
    public void Release() => open.Set();

    /// <summary>The next piece throws.</summary>
    public void FailWith(Exception failure) => failures.Enqueue(failure);

    public IStillEncoding BeginEncoding(Picture fitted) => new Work(this, inner.BeginEncoding(fitted));

    public IStillDecoding BeginStill(ReadOnlySpan<int> codes, int height, int width) => new Work(this, inner.BeginStill(codes, height, width));

    public void Dispose() => open.Dispose();

    private sealed class Work : IStillEncoding, IStillDecoding
    {
        private readonly HeldVision owner;
        private readonly IPictureWork work;

        public Work(HeldVision owner, IPictureWork work)
        {
            (this.owner, this.work) = (owner, work);
            Interlocked.Increment(ref owner.openCount);
        }

        public LatentCodes Codes => ((IStillEncoding)work).Codes;

        public Picture Picture => ((IStillDecoding)work).Picture;

        public bool Advance()
        {
            owner.Threads.Add(Thread.CurrentThread.Name);
            if (!owner.open.IsSet)
            {
                owner.entered.TrySetResult();
                owner.open.Wait();
            }
            if (owner.failures.TryDequeue(out var failure))
                throw failure;
            return work.Advance();
        }

        public void Dispose()
        {
            work.Dispose();
            Interlocked.Decrement(ref owner.openCount);
        }
    }
}
