using System.Diagnostics;
using System.Text;
using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Cluster;

/// <summary>The built <c>emu3</c> as a process of its own.</summary>
internal sealed class EmuProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _text = new();
    private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EmuProcess(Process process) => _process = process;

    /// <summary>All that it has written, on both streams.</summary>
    public string Text
    {
        get
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }
    }

    /// <summary>Completes with its first line, which a batch writes when its cluster is up; or with its end.</summary>
    public Task Began => Task.WhenAny(_began.Task, _process.WaitForExitAsync());

    public int ProcessId => _process.Id;

    public static EmuProcess Start(params ReadOnlySpan<string> arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="arguments">Of the command line.</param>
    public static EmuProcess Start(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> arguments) =>
        StartFrom(AppContext.BaseDirectory, environment, arguments);

    /// <param name="folder">Where the program is.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="arguments">Of the command line.</param>
    public static EmuProcess StartFrom(string folder, IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        // Many short lives on few cores: no second compilation by profile.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (variable, value) in environment)
        {
            start.Environment[variable] = value;
        }

        foreach (var argument in (string[])[Path.Combine(folder, "emu3.dll"), .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        var emu = new EmuProcess(Process.Start(start)!);
        emu._process.OutputDataReceived += (_, line) => emu.Take(line.Data, isResult: true);
        emu._process.ErrorDataReceived += (_, line) => emu.Take(line.Data, isResult: false);
        emu._process.BeginOutputReadLine();
        emu._process.BeginErrorReadLine();
        return emu;
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>SIGTERM. False when it does not run.</summary>
    public bool Terminate() => UnixSignals.Send(_process.Id, UnixSignals.Terminate);

    /// <summary>The address that <c>emu3 serve</c> prints when it is ready.</summary>
    public async Task<Uri> ServedAtAsync(CancellationToken cancellationToken)
    {
        await Began.WaitAsync(cancellationToken);
        var words = Text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return new(words.FirstOrDefault(word => word.StartsWith("http://", StringComparison.Ordinal)) ?? throw new InvalidOperationException($"It serves nothing: {Text}"));
    }

    /// <summary>SIGKILL: it gets no chance to tidy up.</summary>
    /// <returns>Whether it was still running.</returns>
    public async Task<bool> KillAsync()
    {
        var wasRunning = !_process.HasExited;
        _process.Kill();
        await _process.WaitForExitAsync();
        return wasRunning;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Take(string? line, bool isResult)
    {
        if (line is null)
        {
            return;
        }

        lock (_text)
        {
            _text.AppendLine(line);
        }

        if (isResult)
        {
            _began.TrySetResult();
        }
    }
}
