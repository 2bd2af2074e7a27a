using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Emu3.Observability;

/// <summary>The log of a program: on the console, as the section <c>Logging</c> says.</summary>
public static class ProgramLog
{
    /// <summary>Adds it.</summary>
    /// <param name="logging">Of a host.</param>
    /// <param name="configuration">That has the section.</param>
    /// <param name="wordy">Categories that tell a lot: from Warning up, unless the section says otherwise.</param>
    public static ILoggingBuilder AddProgramLog(this ILoggingBuilder logging, IConfiguration configuration, params ReadOnlySpan<string> wordy)
    {
        logging.AddConfiguration(configuration.GetSection("Logging")).AddConsole();
        // ASP.NET's slim builder names the console's formatter itself; what is configured goes first.
        logging.Services.Configure<ConsoleLoggerOptions>(configuration.GetSection("Logging:Console"));
        foreach (var category in wordy)
            if (configuration[$"Logging:LogLevel:{category}"] is null) logging.AddFilter(category, LogLevel.Warning);
        return logging;
    }
}

/// <summary>The log of a program before it has a host.</summary>
public static partial class StartLog
{
    /// <summary>Does what has to be done before there is a host, and logs the lines that it tells.</summary>
    /// <param name="configuration">That has the section <c>Logging</c>.</param>
    /// <param name="category">Under which the lines are logged.</param>
    /// <param name="work">Gets where to tell them.</param>
    public static async Task<T> UseAsync<T>(IConfiguration configuration, string category, Func<Action<string>, Task<T>> work)
    {
        using var loggers = LoggerFactory.Create(logging => logging.AddProgramLog(configuration)); // its end waits until all is written
        var logger = loggers.CreateLogger(category);
        return await work(line => LogLine(logger, line));
    }

    [LoggerMessage(LogLevel.Warning, "{Line}")]
    private static partial void LogLine(ILogger logger, string line);
}
