using Emu3.Cli;
using Emu3.Storage;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Unit.Cli;

/// <summary>The log of a cluster that runs inside a command, which has two hosts: silo and gateway.</summary>
[Trait("Suite", "Fast")]
public sealed class ClusterLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lines_OfBothHosts_AreAllThere()
    {
        using (var log = new ClusterLog(DataFolder.At(_folder.FullPath), isVerbose: false, TimeProvider.System))
        {
            using var silo = Host(log);
            using var gateway = Host(log);
            await Task.WhenAll(
                WriteAsync(silo.GetRequiredService<ILoggerFactory>().CreateLogger("silo")), WriteAsync(gateway.GetRequiredService<ILoggerFactory>().CreateLogger("gateway")));
        }

        var lines = await File.ReadAllLinesAsync(_folder.PathTo("logs/emu3.log"), TestContext.Current.CancellationToken);
        foreach (var name in (string[])["silo", "gateway"])
            Assert.Equal(Enumerable.Range(0, 100).Select(number => $"line {number}"), lines.Where(line => line.Contains($" {name}: ", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]));
    }

    /// <summary>Who logs is a request that has failed: it must be answered all the same.</summary>
    [Fact]
    public void Line_ThatCannotBeWritten_FailsNobody()
    {
        File.WriteAllText(_folder.PathTo("logs"), "in the way");
        using var log = new ClusterLog(DataFolder.At(_folder.FullPath), isVerbose: false, TimeProvider.System);
        using var host = Host(log);
        host.GetRequiredService<ILoggerFactory>().CreateLogger("silo").Log(LogLevel.Error, default, "it fails", null, (text, _) => text);
    }

    private static Task WriteAsync(ILogger logger) => Task.Run(() =>
    {
        for (var number = 0; number < 100; number++) logger.Log(LogLevel.Warning, default, $"line {number}", null, (text, _) => text);
    });

    private static ServiceProvider Host(ClusterLog log) => new ServiceCollection().AddLogging(log.AddTo).BuildServiceProvider();
}
