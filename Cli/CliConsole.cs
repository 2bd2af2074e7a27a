using Emu3.Silo;
using Spectre.Console;

namespace Emu3.Cli;

/// <summary>What a command talks to.</summary>
internal sealed class CliConsole
{
    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Errors, one sentence each.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Opens standard input.</summary>
    public required Func<Stream> OpenInput { get; init; }

    /// <summary>A person watches: progress is drawn in place.</summary>
    public required bool IsLive { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>What loads a model where a command runs one itself.</summary>
    public EngineFactory LoadEngine { get; init; } = EngineFactories.OfKind;

    /// <summary>Tables and live progress on <see cref="Out"/>.</summary>
    public IAnsiConsole Ansi => field ??= MakeAnsi();

    /// <summary>The console of this process.</summary>
    public static CliConsole OfProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        OpenInput = Console.OpenStandardInput,
        IsLive = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb",
        Time = TimeProvider.System,
    };

    private IAnsiConsole MakeAnsi()
    {
        var console = AnsiConsole.Create(new()
        {
            Out = new AnsiConsoleOutput(Out),
            Ansi = IsLive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsLive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = IsLive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!IsLive)
        {
            // Nothing is broken into lines where a program may read it.
            console.Profile.Width = 1000;
        }

        return console;
    }
}
