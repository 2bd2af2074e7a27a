using System.CommandLine;
using Emu3.Benchmarks;
using Emu3.Benchmarks.Chaos;
using Emu3.Benchmarks.Fuzz;
using Emu3.Benchmarks.Fuzz.Document;
using Emu3.Benchmarks.GpuCounts;
using Emu3.Benchmarks.Kernels;
using Emu3.Benchmarks.Load;
using Emu3.Benchmarks.Memory;
using Emu3.Benchmarks.Objects;
using Emu3.Benchmarks.ParallelDecoding;
using Emu3.Benchmarks.Pictures;
using Emu3.Benchmarks.RealWidths;
using Emu3.Benchmarks.Recovery;
using Emu3.Benchmarks.SameBytes;
using Emu3.Benchmarks.Scale;
using Emu3.Inference.Cpu.Kernels;

var rounds = new Option<int>("--rounds") { Description = "Runs of each side, in turns.", DefaultValueFactory = _ => 5 };
var pictures = new Command("pictures", "Drawing: the engine against the reference's way, our own kernels against TorchSharp, the price of row invariance.") { rounds };
pictures.SetAction((result, _) => PictureBenchmark.RunAsync(result.GetValue(rounds)));

var turns = new Option<int>("--rounds") { Description = "Runs of each side, in turns.", DefaultValueFactory = _ => 5 };
var tax = new Command("tax", "What emu3 batch, with gateway and silo, costs over the bare engine.") { turns };
tax.SetAction((result, _) => TaxBenchmark.RunAsync(result.GetValue(turns)));

var items = new Option<int>("--items") { Description = "Items of the job.", DefaultValueFactory = _ => 100_000 };
var workers = new Option<int>("--workers") { Description = "Simulated workers.", DefaultValueFactory = _ => 1_000 };
var scale = new Command("scale", "A job of 100,000 items: accepting, dispatching, what is written, memory, what callers wait.") { items, workers };
scale.SetAction((result, _) => ScaleBenchmark.RunAsync(result.GetValue(items), result.GetValue(workers)));

var losses = new Option<int>("--rounds") { Description = "Losses of each kind.", DefaultValueFactory = _ => 5 };
var recovery = new Command("recovery", "How long items stand still when their worker is killed, told to end, or frozen.") { losses };
recovery.SetAction((result, _) => RecoveryBenchmark.RunAsync(result.GetValue(losses)));

var runs = new Option<int>("--runs") { Description = "Runs of each side, in turns.", DefaultValueFactory = _ => 3 };
var steps = new Option<int>("--rounds") { Description = "Rounds of work in each run.", DefaultValueFactory = _ => 12 };
var memory = new Command("memory", "What stays resident of an engine under a mixed load, with glibc's malloc by itself and as the engine sets it.") { runs, steps };
memory.SetAction((result, _) => MemoryBenchmark.RunAsync(result.GetValue(runs), result.GetValue(steps)));
var loadRounds = new Argument<int>("rounds");
var memoryLoad = new Command(MemoryLoad.Command, "One side of memory, in this process.") { loadRounds };
memoryLoad.Hidden = true;
memoryLoad.SetAction((result, _) => MemoryLoad.RunAsync(result.GetValue(loadRounds)));

var checkpoint = new Option<string>("--model") { Description = "A checkpoint folder.", DefaultValueFactory = _ => Places.Model };
var bits = new Command("bits", "A hash over all that the decoder computes on this processor: the same on every one, whatever the threads.") { checkpoint };
bits.SetAction(result => Console.WriteLine(DecoderBits.Hash(result.GetValue(checkpoint)!, CpuKernels.Fastest, Environment.ProcessorCount)));

var threads = new Option<int>("--threads") { Description = "Threads that compute.", DefaultValueFactory = _ => Environment.ProcessorCount };
var kernels = new Command("kernels", "The products of the real model's layers beside what the machine can do at most.") { threads };
kernels.SetAction(result => KernelBenchmark.Run(result.GetValue(threads)));

var gpuCounts = new Command("gpu-counts", "What a pass asks of a GPU, counted on the processor: operations, waits, bytes; and what that predicts.");
gpuCounts.SetAction(_ => GpuCountBenchmark.Run());

var root = new RootCommand("Benchmarks of Emu3.Cluster. Results are written to Benchmarks/results.") { pictures, tax, ChaosCommand.Create(), FuzzCommand.Create(), DocumentFuzzCommand.Create(), LoadCommand.Create(), scale, recovery, memory, memoryLoad, bits, kernels, gpuCounts, DecodingBenchmark.Create(), ParallelBenchmark.Create(), ObjectStoreBenchmark.Create() };
foreach (var command in RealWidthBenchmark.Commands().Concat(HugeBenchmark.Commands()).Concat(SameBytesBenchmark.Commands()))
    root.Add(command);
root.SetAction((_, _) => PictureBenchmark.RunAsync(rounds: 5));
return await root.Parse(args).InvokeAsync();
