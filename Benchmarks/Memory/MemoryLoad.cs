using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Emu3.Benchmarks.Pictures;
using Emu3.Inference;
using Emu3.Inference.Cpu;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.Memory;

/// <summary>One side of <see cref="MemoryBenchmark"/>: does the work in this process, and writes what stayed resident.</summary>
internal static class MemoryLoad
{
    /// <summary>As which the program is started for it.</summary>
    public const string Command = "memory-load";

    private const int Cells = 90;
    private const int AtOnce = 8;
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(300);

    public static async Task RunAsync(int rounds)
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var options = new EngineOptions { Model = Places.Model, Threads = 1, SlotCount = 2 * AtOnce };
        await using var engine = await Emu3Engine.LoadAsync(options, NullLoggerFactory.Instance, services.GetRequiredService<IMeterFactory>());
        using var large = new LargePictures();
        await large.StartAsync();
        var loaded = await ResidentAsync();
        var after = new List<double>();
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < rounds; round++)
        {
            await Task.WhenAll(large.RoundAsync(round), ChatAsync(engine, round), BareEngine.DrawAsync(engine, AtOnce, greedy: false));
            after.Add(await ResidentAsync());
        }

        Console.WriteLine(JsonSerializer.Serialize(new MemoryTrail(loaded, [.. after], watch.Elapsed.TotalSeconds / rounds)));
    }

    private static Task ChatAsync(IEngine engine, int round) => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async number =>
    {
        var request = new ChatRequest
        {
            Id = $"{round}/{number}",
            Messages = [new ChatMessage(ChatRole.User, [new ChatPart.Text($"What is {round} and {number}?")])],
            MaxNewTokens = 24,
            Sampling = SamplingSettings.Greedy,
            Seed = 0,
        };
        await foreach (var told in engine.Run(request))
            if (told is EngineEvent.Failed failed) throw new InvalidOperationException(failed.Failure.Message);
    }));

    /// <summary>At rest: the collector's share of it is gone.</summary>
    private static async Task<double> ResidentAsync()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        await Task.Delay(s_rest, TimeProvider.System);
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>A thread with a vision tokenizer, as an engine has one.</summary>
    private sealed class LargePictures : IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<Action<IVisionTokenizer>> _work = [];
        private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task StartAsync()
        {
            new Thread(Work) { IsBackground = true, Name = "large pictures" }.Start();
            return _ready.Task;
        }

        public Task RoundAsync(int round)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _work.Add(vision =>
            {
                try
                {
                    var random = new Random(round);
                    int[] codes = [.. Enumerable.Range(0, Cells * Cells).Select(_ => random.Next(64))];
                    using var still = vision.BeginStill(codes, Cells, Cells);
                    while (!still.Advance()) { }
                    using var encoding = vision.BeginEncoding(still.Picture);
                    while (!encoding.Advance()) { }
                    done.SetResult();
                }
                catch (Exception failure)
                {
                    done.SetException(failure);
                }
            });
            return done.Task;
        }

        public void Dispose() => _work.CompleteAdding();

        private void Work()
        {
            var folder = ModelFolder.Open(Places.Model, null);
            using var files = CheckpointFiles.Open(folder);
            using var backend = CpuBackend.Load(files, ConfigReader.Read(folder), new EngineOptions { Model = Places.Model, Threads = 1, SlotCount = 1 });
            _ready.SetResult();
            foreach (var work in _work.GetConsumingEnumerable()) work(backend.Vision);
        }
    }
}
