using Emu3.Cli;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary><c>emu3 serve</c> in this process, on the small trained checkpoint, for all tests of a class.</summary>
public sealed class RealServer : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _end = new();
    private Task<int> _serving = Task.FromResult(0);

    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public async ValueTask InitializeAsync()
    {
        var text = new StringWriter();
        _serving = CommandLine.RunAsync(["serve", "--port", "0", "--data", _folder.PathTo("data")], ConsoleOn(text), _end.Token);
        var data = Storage.DataFolder.At(_folder.PathTo("data"));
        while (data.ReadServerAddress() is null)
        {
            Assert.False(_serving.IsCompleted, text.ToString());
            await Task.Delay(100);
        }

        Address = data.ReadServerAddress()!;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _end.Dispose();
        _folder.Dispose();
    }

    /// <summary>A console that writes here.</summary>
    internal static CliConsole ConsoleOn(TextWriter text)
    {
        var writer = TextWriter.Synchronized(text);
        return new() { Out = writer, Error = writer, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
    }
}
