using System.CommandLine;
using System.Security.Cryptography;
using Emu3.Cli.Verify;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 verify</c>: whether a folder's pictures come out the same when they are made again.</summary>
internal static class VerifyCommand
{
    public static Command Create(CliConsole console)
    {
        var folder = new Argument<string>("DIR") { Description = "Output folder of emu3 batch. It is read and never written." }.NotEmpty();
        var sample = new Option<SampleSize>("--sample")
        {
            Description = "How many pictures: a number, or a share as 1%.",
            DefaultValueFactory = _ => SampleSize.Parse("1%")!,
            CustomParser = result =>
            {
                if (SampleSize.Parse(result.Tokens[0].Value) is { } size) return size;
                result.AddError("--sample must be a number of pictures, or a share from 0% to 100% (25, 0.5%).");
                return null!;
            },
        };
        var seed = new SeedOption("Chooses the pictures. Default: drawn, and told.");
        var cluster = new ClusterOptions();
        var command = new Command("verify", "Make random pictures of a batch again from their recipes, and compare token for token. Exit code 1: something differs.");
        command.Arguments.Add(folder);
        command.Options.Add(sample);
        seed.AddTo(command);
        cluster.AddTo(command);
        command.SetAction((result, cancellationToken) => RunAsync(
            Path.GetFullPath(result.GetRequiredValue(folder)), result.GetValue(sample)!, seed.Read(result) ?? Draw(), cluster.Read(result) with { CanWait = true }, console, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        string folder, SampleSize sample, ulong seed, ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        // Told before a cluster is started.
        _ = MadeFolder.Open(folder);
        return await ClusterSession.UseAsync(
            choice, console,
            (session, token) => new VerifyRun(folder, sample, seed, session.Gateway, session.Model, console) { DescribeDevices = session.DescribeDevices }.RunAsync(token),
            cancellationToken);
    }

    /// <summary>Short, since a person may type it.</summary>
    private static ulong Draw() => (ulong)RandomNumberGenerator.GetInt32(1, int.MaxValue);
}
