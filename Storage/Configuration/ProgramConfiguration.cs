using Microsoft.Extensions.Configuration;

namespace Emu3.Storage.Configuration;

/// <summary>
/// Where a silo or a gateway that runs as a program of its own finds its settings: <c>appsettings.json</c> beside the program, the file of
/// <c>--config FILE</c>, the environment (<c>Silo__Port=11111</c>), the command line (<c>--Silo:Port 11111</c>). Where two say something, the later of these
/// counts. The working directory plays no part: a program does the same wherever it is started, and reads no other program's file.
/// </summary>
public static class ProgramConfiguration
{
    private const string FileName = "appsettings.json";
    private const string FileKey = "config";

    /// <summary>All of it.</summary>
    /// <param name="arguments">The command line, without the program and its verb.</param>
    /// <param name="folder">Of the program; null for this one's.</param>
    /// <exception cref="ConfigurationException">An argument is no setting, or a file can't be read.</exception>
    public static IConfigurationRoot Read(IReadOnlyList<string> arguments, string? folder = null)
    {
        Check(arguments);
        var builder = new ConfigurationBuilder().AddJsonFile(Path.Combine(folder ?? AppContext.BaseDirectory, FileName), optional: true, reloadOnChange: false);
        if (FileOf(arguments) is { } file) builder.AddJsonFile(Path.GetFullPath(file), optional: false, reloadOnChange: false);
        try
        {
            return builder.AddEnvironmentVariables().AddCommandLine([.. arguments]).Build();
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            // The message names the file.
            throw new ConfigurationException([broken.InnerException is { } cause ? $"{broken.Message} {cause.Message}" : broken.Message]);
        }
    }

    /// <summary>What a person who expects the settings of a file in the working directory has to know; null where there is no such file.</summary>
    /// <param name="arguments">As for <see cref="Read"/>, which has checked them.</param>
    /// <param name="folder">As for <see cref="Read"/>.</param>
    public static string? DescribeUnreadFile(IReadOnlyList<string> arguments, string? folder = null)
    {
        var unread = Path.GetFullPath(FileName);
        string?[] read = [Path.Combine(folder ?? AppContext.BaseDirectory, FileName), FileOf(arguments)];
        return !File.Exists(unread) || read.OfType<string>().Any(file => Path.GetFullPath(file) == unread)
            ? null
            : $"{unread} is not read: settings come from the {FileName} beside the program. To use this file as well, name it: --{FileKey} {FileName}";
    }

    private static string? FileOf(IReadOnlyList<string> arguments) => new ConfigurationBuilder().AddCommandLine([.. arguments]).Build()[FileKey];

    /// <summary>A word that is no setting would be left out without a word.</summary>
    private static void Check(IReadOnlyList<string> arguments)
    {
        var problems = new List<string>();
        for (var place = 0; place < arguments.Count; place++)
        {
            var argument = arguments[place];
            if (!argument.StartsWith("--", StringComparison.Ordinal) || argument.Length == 2)
                problems.Add($"The argument '{argument}' is no setting: settings are --Section:Key=value or --Section:Key value, as --Silo:Port 11111, or --config FILE.");
            else if (!argument.Contains('=') && (++place == arguments.Count || arguments[place].StartsWith("--", StringComparison.Ordinal)))
                problems.Add($"The argument '{argument}' has no value: {argument} VALUE.");
        }

        if (problems.Count > 0) throw new ConfigurationException(problems);
    }
}
