using System.Diagnostics;
using System.Globalization;
using Emu3.Cli.Commands;

namespace Emu3.Cli.Devices;

/// <summary>A worker silo as a process of its own (<c>emu3 device</c>). It ends with this one, however this one ends: it reads our end of a pipe.</summary>
internal sealed class SiloProcess : IChild
{
    private readonly Process _process;
    private readonly Action<ChildReport> _onReport;
    private readonly Action<string> _onLine;
    private volatile string? _lastLine;

    private SiloProcess(Process process, Action<ChildReport> onReport, Action<string> onLine)
    {
        (_process, ProcessId, _onReport, _onLine) = (process, process.Id, onReport, onLine);
        Ended = EndAsync();
    }

    public int ProcessId { get; }

    public Task<ChildExit> Ended { get; }

    /// <summary>Starts one.</summary>
    /// <param name="device">Named on its command line, for whoever lists processes.</param>
    /// <param name="settings">Configuration of a silo, as one line of JSON.</param>
    /// <param name="isVerbose">Its log has everything.</param>
    /// <param name="onReport">Gets what it tells of itself.</param>
    /// <param name="onLine">Gets the lines of its log.</param>
    public static SiloProcess Start(string device, string settings, bool isVerbose, Action<ChildReport> onReport, Action<string> onLine)
    {
        var start = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        (start.FileName, var arguments) = Program();
        foreach (var argument in (string[])[.. arguments, DeviceCommand.Name, "--device", device, .. isVerbose ? new[] { "--verbose" } : []])
        {
            start.ArgumentList.Add(argument);
        }

        var child = new SiloProcess(Process.Start(start)!, onReport, onLine);
        child.Tell(settings);
        return child;
    }

    public void Drain() => Tell(ChildReport.DrainOrder);

    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended; Ended tells.
        }
    }

    private void Tell(string line)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            // It has ended; Ended tells.
        }
    }

    private async Task<ChildExit> EndAsync()
    {
        await Task.Yield();
        await Task.WhenAll(ReadAsync(_process.StandardOutput, TakeReport), ReadAsync(_process.StandardError, TakeLine), _process.WaitForExitAsync());
        var code = _process.ExitCode;
        _process.Dispose();
        return new(code, _lastLine);
    }

    private static async Task ReadAsync(StreamReader output, Action<string> take)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            take(line);
        }
    }

    private void TakeReport(string line)
    {
        if (ChildReport.Read(line) is { } report)
        {
            _onReport(report);
        }
        else
        {
            TakeLine(line);
        }
    }

    private void TakeLine(string line)
    {
        if (line.Length > 0)
        {
            _lastLine = line;
            _onLine(line);
        }
    }

    /// <summary>How this program is started: by its own host, or by dotnet.</summary>
    private static (string File, string[] Arguments) Program()
    {
        var host = Environment.ProcessPath!;
        var assembly = typeof(SiloProcess).Assembly;
        return assembly.Location.Length == 0 || Path.GetFileNameWithoutExtension(host) == assembly.GetName().Name
            ? (host, [])
            : (Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [assembly.Location]);
    }
}

/// <summary>A process that is supervised.</summary>
internal interface IChild
{
    int ProcessId { get; }

    /// <summary>Completes when it has ended, and everything that it wrote was taken.</summary>
    Task<ChildExit> Ended { get; }

    /// <summary>Asks it to end in good order. Does nothing when it has ended.</summary>
    void Drain();

    /// <summary>Ends it at once. Does nothing when it has ended.</summary>
    void Kill();
}

/// <summary>How a process ended.</summary>
/// <param name="Code">Exit code; 128 and a signal's number when that ended it.</param>
/// <param name="LastLine">What it wrote last to its log.</param>
internal sealed record ChildExit(int Code, string? LastLine)
{
    private const int FirstSignal = 128;
    private const int Kill = FirstSignal + 9;
    private const int Terminate = FirstSignal + 15;

    /// <summary>Someone else ended it: it says nothing about what it did.</summary>
    public bool IsFromOutside => Code is 0 or Kill or Terminate;

    public override string ToString() => Code switch
    {
        0 => "ended",
        Kill => "was killed",
        > FirstSignal => string.Create(CultureInfo.InvariantCulture, $"was ended by signal {Code - FirstSignal}{Said}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"ended with exit code {Code}{Said}"),
    };

    private string Said => LastLine is null ? "" : $": {LastLine}";
}
