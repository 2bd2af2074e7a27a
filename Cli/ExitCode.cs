namespace Emu3.Cli;

/// <summary>What <c>emu3</c> exits with; <c>emu3 --help</c> lists them.</summary>
internal static class ExitCode
{
    /// <summary>Everything that was asked for is there.</summary>
    public const int AllDone = 0;

    /// <summary>The command ran to its end, some items failed or files were skipped.</summary>
    public const int SomeFailed = 1;

    /// <summary>The command line or the input is wrong; nothing was run.</summary>
    public const int BadInput = 2;

    /// <summary>The cluster or its engine could not start, or the gateway does not answer.</summary>
    public const int NotStarted = 3;

    /// <summary>Something that the program has no answer to: a disk that refuses, or a fault of the program itself.</summary>
    public const int Unexpected = 4;

    /// <summary>Ctrl-C or a termination signal.</summary>
    public const int Interrupted = 130;
}

/// <summary>Ends a command: the message goes to standard error as it is, one clear sentence, and the process exits with the code.</summary>
internal sealed class CommandException(int exitCode, string message, Exception? cause = null) : Exception(message, cause)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>What the person typed or handed in is wrong.</summary>
    public static CommandException BadInput(string message, Exception? cause = null) => new(Cli.ExitCode.BadInput, message, cause);

    /// <summary>The cluster is not there.</summary>
    public static CommandException NotStarted(string message, Exception? cause = null) => new(Cli.ExitCode.NotStarted, message, cause);
}
