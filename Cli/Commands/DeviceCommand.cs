using System.CommandLine;
using System.Text;
using Emu3.Cli.Devices;
using Emu3.Silo;
using Emu3.Storage.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace Emu3.Cli.Commands;

/// <summary>
/// <c>emu3 device</c>: a worker silo for one device, as another emu3 starts it and supervises it (<see cref="SiloProcess"/>). Settings come as the first line of
/// standard input; what it tells of itself goes to standard output (<see cref="ChildReport"/>), its log to standard error.
/// It ends when it is told to, when its engine fails, and when whoever started it is gone.
/// </summary>
internal static class DeviceCommand
{
    /// <summary>The verb.</summary>
    public const string Name = "device";

    private static readonly TimeSpan s_reportPeriod = TimeSpan.FromMilliseconds(250);

    /// <summary>With nobody left in the cluster to give work back to, all that is worth doing is keeping the tokens.</summary>
    private static readonly TimeSpan s_orphanPatience = TimeSpan.FromSeconds(5);

    public static Command Create(CliConsole console)
    {
        var command = new Command(Name, "A worker silo that another emu3 has started.") { Hidden = true };
        command.Options.Add(new Option<string>("--device") { Description = "What it runs on; the settings say so too." });
        var verbose = new Option<bool>("--verbose") { Description = "A log of everything." };
        command.Options.Add(verbose);
        command.SetAction((result, cancellationToken) => RunAsync(result.GetValue(verbose), console, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(bool isVerbose, CliConsole console, CancellationToken cancellationToken)
    {
        using var orders = new StreamReader(console.OpenInput());
        var settings = Read(await orders.ReadLineAsync(cancellationToken)
            ?? throw CommandException.BadInput("emu3 device takes its settings from standard input: another emu3 starts it (--devices)."));
        try
        {
            return await RunAsync(settings, orders, isVerbose, console, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            console.Out.WriteLine(new ChildReport(ChildState.Failed, failure.Message).ToLine());
            throw;
        }
    }

    private static SiloSettings Read(string json)
    {
        try
        {
            return SiloConfiguration.Read(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());
        }
        catch (Exception wrong) when (wrong is ConfigurationException or FormatException)
        {
            throw CommandException.BadInput(wrong.Message, wrong);
        }
    }

    private static async Task<int> RunAsync(SiloSettings settings, StreamReader orders, bool isVerbose, CliConsole console, CancellationToken cancellationToken)
    {
        var silo = SiloHost.Create(settings, builder => LogTo(builder.Logging, isVerbose));
        await silo.StartAsync(cancellationToken);
        var address = silo.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString();
        var engine = silo.Services.GetRequiredService<EngineStatus>();
        var failed = silo.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, failed);
        var ordered = Task.Run(() => ReadOrderAsync(orders), CancellationToken.None);
        var reporting = ReportAsync(engine, address, console, ends.Token);
        await Task.WhenAny(ordered, Task.Delay(Timeout.InfiniteTimeSpan, console.Time, ends.Token));

        var hasFailed = failed.IsCancellationRequested;
        var isOrphan = ordered.IsCompletedSuccessfully && !await ordered;
        await ends.CancelAsync();
        await reporting;
        if (hasFailed)
        {
            console.Out.WriteLine(new ChildReport(ChildState.Failed, engine.Progress, address).ToLine());
        }

        await Task.WhenAny(StopAsync(silo), Task.Delay(isOrphan ? s_orphanPatience : settings.StopTimeout, console.Time, CancellationToken.None));
        return hasFailed ? ExitCode.NotStarted : ExitCode.AllDone;
    }

    private static async Task StopAsync(IHost silo)
    {
        await silo.StopAsync(CancellationToken.None);
        await ((IAsyncDisposable)silo).DisposeAsync();
    }

    /// <summary>Whether it was told to end; false when nobody is there any more to tell it.</summary>
    private static async Task<bool> ReadOrderAsync(StreamReader orders)
    {
        while (await orders.ReadLineAsync() is { } order)
        {
            if (order == ChildReport.DrainOrder)
            {
                return true;
            }
        }

        return false;
    }

    private static async Task ReportAsync(EngineStatus engine, string address, CliConsole console, CancellationToken cancellationToken)
    {
        string? told = null;
        while (!engine.Ready.IsCompleted && !cancellationToken.IsCancellationRequested)
        {
            if (told != engine.Progress)
            {
                told = engine.Progress;
                console.Out.WriteLine(new ChildReport(ChildState.Loading, told, address).ToLine());
            }

            await Task.WhenAny(engine.Ready, Task.Delay(s_reportPeriod, console.Time, cancellationToken));
        }

        if (engine.Ready.IsCompletedSuccessfully)
        {
            console.Out.WriteLine(new ChildReport(ChildState.Ready, Silo: address).ToLine());
        }
    }

    /// <summary>One line an entry: whoever reads it puts it into its own log.</summary>
    private static void LogTo(ILoggingBuilder logging, bool isVerbose)
    {
        logging.SetMinimumLevel(isVerbose ? LogLevel.Information : LogLevel.Warning);
        logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.AddSimpleConsole(options => (options.SingleLine, options.ColorBehavior) = (true, LoggerColorBehavior.Disabled));
    }
}
