using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Submissions that are large, slow or broken off.</summary>
[Trait("Suite", "Cluster")]
public sealed class SubmissionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Submission_OfManyItems_IsDurableInSeconds()
    {
        const int count = 20_000;
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromSeconds(30) });
        var watch = Stopwatch.StartNew();
        var job = await gateway.SubmitAsync(["{}", .. Enumerable.Range(0, count).Select(i => $$"""{"id":"i{{i}}","prompt":"a picture of number {{i}}"}""")]);
        TestContext.Current.SendDiagnosticMessage("{0} items accepted in {1:0.0} s", count, watch.Elapsed.TotalSeconds);
        Assert.Equal(count, job.GetProperty("counts").GetProperty("total").GetInt32());
        var last = await gateway.GetAsync($"/v1/jobs/{job.GetProperty("id").GetString()}/items/{count - 1}");
        Assert.Equal($"i{count - 1}", last.GetProperty("id").GetString());
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task Submission_BrokenOffInTheMiddle_IsNoJobAndGoesOnUnderItsKey()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        string[] lines = ["""{"seed":3}""", .. Enumerable.Range(0, 600).Select(i => $$"""{"id":"i{{i}}","prompt":"p","area":64}""")];
        var id = JobId.FromIdempotencyKey("default", "key");
        var pipe = new Pipe();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StreamContent(pipe.Reader.AsStream()) };
        request.Content.Headers.ContentType = new("application/x-ndjson");
        request.Headers.Add("Idempotency-Key", "key");
        var sending = gateway.Http.SendAsync(request, Cancellation);
        await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(string.Join('\n', lines[..400]) + "\n"), Cancellation);
        while (!await IsOpen(gateway, id)) await Task.Delay(20, Cancellation);
        await pipe.Writer.CompleteAsync(new IOException("The line is cut."));
        await Assert.ThrowsAnyAsync<Exception>(() => sending);

        var job = await gateway.SubmitAsync(lines, key: "key");
        Assert.Equal(id.Value, job.GetProperty("id").GetString());
        var ended = await gateway.WaitAsync(id.Value);
        Assert.Equal(600, ended.GetProperty("counts").GetProperty("done").GetInt32());
    }

    private static async Task<bool> IsOpen(GatewayCluster gateway, JobId id)
    {
        try
        {
            return (await gateway.Cluster.Client.GetGrain<IGenerationJob>(id.Value).GetSnapshot()).Status == JobStatus.Open;
        }
        catch (JobNotFoundException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Submission_WithMoreErrorsThanAreListed_EndsTheListAndMakesNoJob()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        var refusal = await gateway.SubmitAsync(["{}", .. Enumerable.Range(0, 3_000).Select(_ => """{"prompt":1}""")], 400);
        Assert.Equal(RequestLimits.LineErrors, refusal.GetProperty("error").GetProperty("line_errors").GetArrayLength());
    }
}
