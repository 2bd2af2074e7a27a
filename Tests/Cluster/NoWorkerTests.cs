using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What a cluster does while no worker is up: everything but the work.</summary>
[Trait("Suite", "Cluster")]
public sealed class NoWorkerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Jobs_AreAccepted_Listed_Cancelled_AndTheirFilesServed_AndAWorkerThatJoinsRunsThem()
    {
        string done;
        await using (var before = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath)))
        {
            done = (await before.SubmitAsync(["{}", """{"prompt":"before"}"""])).GetProperty("id").GetString()!;
            await before.WaitAsync(done);
        }

        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false));
        var estimate = await gateway.SubmitAsync(["{}", """{"prompt":"p"}"""], 200, query: "?validate=true");
        Assert.Equal((1, "unknown"), (estimate.GetProperty("outputs").GetInt32(), estimate.GetProperty("estimate_basis").GetString()));

        var waiting = (await gateway.SubmitAsync(["""{"model":"fake"}""", """{"prompt":"a"}""", """{"prompt":"b"}"""])).GetProperty("id").GetString()!;
        var cancelled = (await gateway.SubmitAsync(["{}", """{"prompt":"c"}"""])).GetProperty("id").GetString()!;
        using (var cancel = new HttpRequestMessage(HttpMethod.Post, $"/v1/jobs/{cancelled}/cancel")) await gateway.SendAsync(cancel, 200);
        Assert.Equal("cancelled", (await gateway.WaitAsync(cancelled)).GetProperty("status").GetString());
        Assert.Equal("queued", (await gateway.GetAsync($"/v1/jobs/{waiting}")).GetProperty("status").GetString());
        var listed = await gateway.Cluster.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("default")).List(null, 10);
        Assert.Equal([cancelled, waiting, done], listed.Select(entry => entry.Job.Value));
        using (var file = await gateway.Http.GetAsync($"/v1/jobs/{done}/items/0/content", Cancellation)) Assert.True(file.IsSuccessStatusCode, $"{file.StatusCode}");

        await using var worker = await gateway.Cluster.AddWorkerAsync(new FakeEngine());
        var ended = await gateway.WaitAsync(waiting);

        Assert.Equal("completed", ended.GetProperty("status").GetString());
        Assert.Equal(2, ended.GetProperty("counts").GetProperty("done").GetInt32());
    }

    [Fact]
    public async Task Requests_ThatSomebodyWaitsFor_AreRefusedUntilAWorkerIsThere()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false, models: TestModel));
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() == 0) await Task.Delay(20, Cancellation);

        Assert.Equal("no_worker", await RefusalAsync(gateway, "/v1/images/generations", """{"prompt":"p"}""", 503));
        Assert.Equal("no_worker", await RefusalAsync(gateway, "/v1/chat/completions", """{"model":"emu3-tiny","messages":[{"role":"user","content":"hi"}]}""", 503));
        Assert.Equal("model_not_found", await RefusalAsync(gateway, "/v1/images/generations", """{"model":"other","prompt":"p"}""", 404));
    }

    [Fact]
    public async Task Checkpoints_ThatAreNamedToAControlSilo_AreKnownBeforeAnyWorker()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false, models: [TestModel, "/nowhere"]));
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() == 0) await Task.Delay(20, Cancellation);

        var model = Assert.Single((await gateway.GetAsync("/v1/models")).GetProperty("data").EnumerateArray());
        Assert.Equal(("emu3-tiny", false, 0), (model.GetProperty("id").GetString(), model.GetProperty("loaded").GetBoolean(), model.GetProperty("workers").GetInt32()));
        var job = await gateway.SubmitAsync(["{}", """{"prompt":"a red circle"}"""]);
        Assert.Equal("emu3-tiny", job.GetProperty("model").GetString());
    }

    [Fact]
    public async Task JobWithoutAModel_GetsTheOnlyOneThatCanDoIt()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath));
        var info = Assert.Single(await gateway.Cluster.Client.GetGrain<IDispatcher>(0).GetWorkers()).Model;
        var catalog = gateway.Cluster.Client.GetGrain<IModelCatalog>(0);
        await catalog.Add(info with { Name = "painter", WeightsHash = "1", CanChat = false });
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() < 2) await Task.Delay(50, Cancellation);

        var chat = await gateway.SubmitAsync(["{}", """{"messages":[{"role":"user","content":"hi"}]}"""]);
        Assert.Equal("fake", chat.GetProperty("model").GetString());
        var refusal = (await gateway.SubmitAsync(["{}", """{"prompt":"p"}"""], 400)).GetProperty("error");
        Assert.Equal("model", refusal.GetProperty("param").GetString());
        Assert.Equal("painter", (await gateway.SubmitAsync(["""{"model":"painter"}""", """{"prompt":"p"}"""])).GetProperty("model").GetString());
    }

    private static string TestModel => Repository.PathTo("models", "emu3-tiny");

    private static async Task<string?> RefusalAsync(GatewayCluster gateway, string path, string body, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        return (await gateway.SendAsync(request, status)).GetProperty("error").GetProperty("code").GetString();
    }
}
