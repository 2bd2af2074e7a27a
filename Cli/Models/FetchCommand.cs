using System.CommandLine;
using System.Globalization;
using Emu3.Storage.Configuration;
using Emu3.Storage.Objects;
using Spectre.Console;

namespace Emu3.Cli.Models;

/// <summary><c>emu3 models fetch</c>: a checkpoint from an object store into a folder, as an init container does it.</summary>
internal static class FetchCommand
{
    /// <summary>A store that restarts, or a network that is not there yet when a pod starts.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_report = TimeSpan.FromSeconds(5);

    public static Command Create(CliConsole console)
    {
        var source = new Argument<string>("SOURCE") { Description = "s3://BUCKET/PREFIX, where the checkpoint's files are, and SHA256SUMS beside them." };
        var folder = new Argument<string>("DIR") { Description = "Where they go. What an interrupted run left there is gone on with." };
        var command = new Command("fetch", "Copy a checkpoint from an object store into a folder, and check it. Store and credentials are told by the environment, as to a silo: "
            + "Cluster__S3__Endpoint, Region, PathStyle, CaFile, AccessKeyFile, SecretKeyFile; or what Amazon's SDK finds by itself.") { source, folder };
        command.SetAction((result, cancellationToken) => RunAsync(result.GetValue(source)!, result.GetValue(folder)!, console, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string source, string folder, CliConsole console, CancellationToken cancellationToken)
    {
        var (bucket, prefix) = Split(source);
        try
        {
            using var objects = new ObjectFolder(Options(bucket), prefix);
            var fetch = new CheckpointFetch(objects, source.TrimEnd('/'), folder, console.Error.WriteLine);
            var isNew = await WatchAsync(fetch, console, cancellationToken);
            console.Out.WriteLine(isNew
                ? string.Create(CultureInfo.InvariantCulture, $"{folder} has {source}: {fetch.TotalBytes / 1e9:0.00} GB, {fetch.FetchedBytes / 1e9:0.00} GB of which came now; all hashes are right.")
                : string.Create(CultureInfo.InvariantCulture, $"{folder} has {source} already: {fetch.TotalBytes / 1e9:0.00} GB."));
            return ExitCode.AllDone;
        }
        catch (ConfigurationException wrong)
        {
            throw CommandException.BadInput(wrong.Message, wrong);
        }
        catch (ObjectStoreException refused)
        {
            throw CommandException.NotStarted(refused.Message, refused);
        }
        catch (InvalidDataException replaced)
        {
            throw CommandException.NotStarted($"{replaced.Message} Start it again when the upload is complete.", replaced);
        }
    }

    private static ObjectStoreOptions Options(string bucket)
    {
        var reader = new ConfigurationReader(new ConfigurationBuilder().AddEnvironmentVariables().Build());
        var options = reader.Section<ObjectStoreOptions>("Cluster:S3");
        reader.ThrowIfWrong();
        options.Bucket = bucket;
        if (options.Patience < s_patience)
        {
            options.Patience = s_patience;
        }

        return options;
    }

    private static (string Bucket, string Prefix) Split(string source)
    {
        const string Scheme = "s3://";
        var path = source.StartsWith(Scheme, StringComparison.Ordinal) ? source[Scheme.Length..].Trim('/').Split('/', 2) : [""];
        return path[0].Length > 0
            ? (path[0], path.Length > 1 ? path[1] : "")
            : throw CommandException.BadInput($"SOURCE must be s3://BUCKET/PREFIX, and is '{source}'.");
    }

    private static async Task<bool> WatchAsync(CheckpointFetch fetch, CliConsole console, CancellationToken cancellationToken)
    {
        var run = fetch.RunAsync(cancellationToken);
        if (console.IsLive)
        {
            await console.Ansi.Status().StartAsync("Looking", async status =>
            {
                while (await Task.WhenAny(run, Task.Delay(TimeSpan.FromMilliseconds(200), console.Time, CancellationToken.None)) != run)
                {
                    status.Status = Markup.Escape(Describe(fetch, null));
                }
            });
            return await run;
        }

        for (var before = 0L; await Task.WhenAny(run, Task.Delay(s_report, console.Time, CancellationToken.None)) != run; before = fetch.FetchedBytes)
        {
            console.Error.WriteLine(Describe(fetch, (fetch.FetchedBytes - before) / s_report.TotalSeconds));
        }

        return await run;
    }

    private static string Describe(CheckpointFetch fetch, double? bytesPerSecond) => string.Create(
        CultureInfo.InvariantCulture, $"{fetch.PresentBytes / 1e9:0.00} of {fetch.TotalBytes / 1e9:0.00} GB{(bytesPerSecond is { } speed ? $", {speed / 1e6:0} MB/s" : "")}");
}
