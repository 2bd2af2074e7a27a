using System.CommandLine;
using Emu3.Benchmarks.Pictures;

var rounds = new Option<int>("--rounds") { Description = "Runs of each side, in turns.", DefaultValueFactory = _ => 5 };
var pictures = new Command("pictures", "Drawing: the cluster's tax, the price of row invariance, the engine against the reference's way.") { rounds };
pictures.SetAction((result, _) => PictureBenchmark.RunAsync(result.GetValue(rounds)));

var root = new RootCommand("Benchmarks of Emu3.Cluster. Results are written to Benchmarks/results.") { pictures };
root.SetAction((_, _) => PictureBenchmark.RunAsync(rounds: 5));
return await root.Parse(args).InvokeAsync();
