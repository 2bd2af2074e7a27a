using System.Text;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Answers that end at a stop, over HTTP and through a restart of everything in the middle of one.</summary>
[Trait("Suite", "Cluster")]
public sealed class StopTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Job_WithStops_TellsThemAndCutsTheAnswers()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        var job = await gateway.SubmitAsync([
            """{"defaults":{"stop":"w2","max_tokens":9}}""",
            """{"id":"defaults","question":"?"}""",
            """{"id":"own","messages":[{"role":"user","content":"?"}],"stop":["w9","w1 w2"]}""",
            """{"id":"none","question":"?","stop":[]}""",
            """{"custom_id":"line","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"?"}],"stop":["w3"]}}"""]);
        var id = job.GetProperty("id").GetString()!;
        Assert.Equal(4, (await gateway.WaitAsync(id)).GetProperty("counts").GetProperty("done").GetInt32());

        var items = (await gateway.GetAsync($"/v1/jobs/{id}/results")).GetProperty("data").EnumerateArray().OrderBy(item => item.GetProperty("index").GetInt32()).ToList();
        Assert.Equal(["w0 w1 ", "w0 ", "w0 w1 w2 w3 w4 w5 w6 w7 w8 ", "w0 w1 w2 "], items.Select(item => item.GetProperty("text").GetString()));
        Assert.Equal(["stop", "stop", "length", "stop"], items.Select(item => item.GetProperty("finish_reason").GetString()));
        Assert.Equal([3, 3, 9, 4], items.Select(item => item.GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
        Assert.Equal("w9", items[1].GetProperty("stop")[0].GetString());
        Assert.False(items[2].TryGetProperty("stop", out _));
    }

    [Fact]
    public async Task Answer_WhoseClusterRestartsInside_EndsAtTheSameStop()
    {
        var engine = new FakeEngineOptions { TokensInStep = 1, TimePerToken = TimeSpan.FromMilliseconds(5) };
        var chat = TestJobs.Chat(1, 400);
        var item = chat with { Chat = chat.Chat! with { Stop = ["w150 w151"] } };
        JobId job;
        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            job = await cluster.Client.SubmitAsync([item]);
            while (cluster.Engine.Load.GeneratedTokenCount < 40) await Task.Delay(5, Cancellation);
        }

        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            var events = await cluster.Client.WatchToEndAsync(job, Cancellation);
            var result = events.Single(happened => happened.Outcome is not null).Outcome!.Result!;
            Assert.True(result.ResumedTokens > 0, "It began anew.");
            Assert.Equal((152, true), (result.GeneratedTokens, result.CameToItsEnd));
            var file = await cluster.Blobs.ReadAsync(BlobKeys.Result("tests", job, 0, result.FileHash), Cancellation);
            Assert.Equal(string.Concat(Enumerable.Range(0, 150).Select(at => $"w{at} ")), Encoding.UTF8.GetString(file!));
        }
    }
}
