using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Emu3.Inference.Cpu;

/// <summary>
/// A fork-join over a few threads of its own; the caller works too. Between two calls a thread looks for work for at most
/// <see cref="SpinTime"/> and then parks, so that a step of many short calls costs about a microsecond a call, and an engine without work costs nothing:
/// whatever spins takes a processor from someone else.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private static readonly TimeSpan s_spin = TimeSpan.FromMicroseconds(50);

    private readonly Thread[] threads;
    private readonly SemaphoreSlim wake = new(0);
    private readonly SemaphoreSlim finished = new(0);
    private readonly long spinTicks = (long)(s_spin.TotalSeconds * Stopwatch.Frequency);
    private Action<int, int> body = static (_, _) => { };
    private int parts, done, parked, callerWaits;
    private long ticket; // number of the call << 32 | parts of it that nobody has taken
    private volatile bool isStopped;
    private Exception? failure; // the first that a part of the call has thrown

    /// <param name="count">Threads that work, the caller included.</param>
    public WorkerPool(int count)
    {
        threads = [.. Enumerable.Range(1, count - 1).Select(worker => new Thread(() => Work(worker)) { IsBackground = true, Name = $"kernels {worker}" })];
        foreach (var thread in threads)
            thread.Start();
    }

    /// <summary>How long a thread without work looks for some before it parks.</summary>
    public static TimeSpan SpinTime => s_spin;

    /// <summary>Threads that work, the caller included.</summary>
    public int Count => threads.Length + 1;

    /// <summary>Runs every part once, on any thread, and returns when all have ended. One caller at a time.</summary>
    /// <param name="count">Parts.</param>
    /// <param name="work">Gets the number of the part and that of the worker, the caller's being 0. What it throws is thrown to the caller, once no part runs any more.</param>
    public void Run(int count, Action<int, int> work)
    {
        if (threads.Length == 0 || count == 1)
        {
            for (var part = 0; part < count; part++)
                work(part, 0);
            return;
        }
        if (count == 0)
            return;
        // No thread reads these now: a thread reads them only after it has taken a part, and all parts of the last call are done.
        (body, parts, done) = (work, count, 0);
        var call = (ticket >> 32) + 1;
        Interlocked.Exchange(ref ticket, call << 32 | (uint)count); // a full fence: either this sees who is parked or they see the call
        if (Volatile.Read(ref parked) != 0)
            Wake();
        Take(call, worker: 0);
        AwaitParts(count);
        if (Interlocked.Exchange(ref failure, null) is { } thrown)
            ExceptionDispatchInfo.Throw(thrown);
    }

    public void Dispose()
    {
        isStopped = true;
        Interlocked.Exchange(ref ticket, ((ticket >> 32) + 1) << 32); // a call without parts
        Wake();
        foreach (var thread in threads)
            thread.Join();
        wake.Dispose();
        finished.Dispose();
    }

    private void AwaitParts(int count)
    {
        var until = Stopwatch.GetTimestamp() + spinTicks;
        while (Volatile.Read(ref done) != count && Stopwatch.GetTimestamp() < until)
            Thread.SpinWait(8);
        while (Volatile.Read(ref done) != count)
        {
            Interlocked.Exchange(ref callerWaits, 1);
            if (Volatile.Read(ref done) != count)
                finished.Wait(); // may be woken for an earlier call by a thread that was late: it looks again
        }
    }

    /// <summary>
    /// Takes parts of a call until none are left. What is left stands in the ticket itself: a late thread that compared its old number with
    /// the number of parts of the next call, written already, would take a part that does not exist.
    /// </summary>
    private void Take(long call, int worker)
    {
        while (true)
        {
            var seen = Volatile.Read(ref ticket);
            var left = (uint)seen;
            if (seen >> 32 != call || left == 0)
                return;
            if (Interlocked.CompareExchange(ref ticket, seen - 1, seen) != seen)
                continue;
            var all = parts; // the call can't end before this part does; behind the next line it can
            try
            {
                body(all - (int)left, worker);
            }
            catch (Exception thrown)
            {
                // On another thread it would end the process; on the caller's, the caller would leave while others still work.
                Interlocked.CompareExchange(ref failure, thrown, null);
            }
            if (Interlocked.Increment(ref done) == all && Interlocked.Exchange(ref callerWaits, 0) == 1)
                finished.Release();
        }
    }

    private void Work(int worker)
    {
        var last = 0L;
        while (!isStopped)
        {
            var call = Volatile.Read(ref ticket) >> 32;
            if (call != last)
            {
                last = call;
                Take(call, worker);
                continue;
            }
            var until = Stopwatch.GetTimestamp() + spinTicks;
            while (Volatile.Read(ref ticket) >> 32 == last && Stopwatch.GetTimestamp() < until)
                Thread.SpinWait(8);
            if (Volatile.Read(ref ticket) >> 32 == last)
                Park(last);
        }
    }

    /// <summary>Everyone who adds itself to the parked is taken off once: by itself, or by a caller, who then gives a permit for it.</summary>
    private void Park(long last)
    {
        Interlocked.Increment(ref parked);
        if (Volatile.Read(ref ticket) >> 32 == last || !TryLeave())
            wake.Wait();
    }

    private bool TryLeave()
    {
        for (var seen = Volatile.Read(ref parked); seen > 0; seen = Volatile.Read(ref parked))
            if (Interlocked.CompareExchange(ref parked, seen - 1, seen) == seen)
                return true;
        return false;
    }

    private void Wake()
    {
        var count = Interlocked.Exchange(ref parked, 0);
        if (count > 0)
            wake.Release(count);
    }
}
