using System.Diagnostics;
using System.Text;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Cluster;

[Trait("Suite", "Cluster")]
public sealed class TraceTests : IDisposable
{
    private const string Secret = "a-wish-that-nobody-may-read";
    private readonly TemporaryFolder _folder = new();
    private readonly KeptSpans _spans = new();

    public void Dispose()
    {
        _spans.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Item_AfterARestart_IsPartOfItsSubmissionsTrace()
    {
        string job;
        await using (var first = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, new() { TimePerToken = TimeSpan.FromSeconds(10) })))
        {
            job = await SubmitAsync(first, """{"prompt":"p","size":"64x64"}""");
            while ((await first.GetAsync($"/v1/jobs/{job}")).GetProperty("status").GetString() != "running") await Task.Delay(20, TestContext.Current.CancellationToken);
            await first.Cluster.CrashAsync();
        }

        await using var second = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath));
        await second.WaitAsync(job);
        var submission = Assert.Single(await _spans.OfAsync("Emu3.Gateway", least: 1));
        Activity? made = null;
        while (made is null)
        {
            made = (await _spans.OfAsync("Emu3.Grains", least: 1)).FirstOrDefault(span => span.Status == ActivityStatusCode.Ok);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal(submission.SpanId, made.ParentSpanId);
        Assert.Equal("generate_content fake", made.DisplayName);
        Assert.Equal(("generate_content", "image", 75), (made.GetTagItem("gen_ai.operation.name"), made.GetTagItem("gen_ai.output.type"), made.GetTagItem("gen_ai.usage.output_tokens")));
        Assert.Equal(2, made.GetTagItem("emu3.item.epoch"));
    }

    [Fact]
    public async Task LogsAndSpans_HoldNoPrompt()
    {
        using var logs = new KeptLogs();
        await using var gateway = await GatewayCluster.StartAsync(
            await EmbeddedCluster.StartAsync(_folder.FullPath, new() { OnToken = (request, offset) => Break(request.Id, offset) }, logs: LogLevel.Trace, log: logs), log: logs);
        var job = await SubmitAsync(gateway, $$"""{"prompt":"{{Secret}}","negative_prompt":"{{Secret}}","size":"64x64"}""",
            $$"""{"messages":[{"role":"user","content":"{{Secret}}"}],"max_tokens":5}""", $$"""{"prompt":"{{Secret}}","size":"64x64"}""");
        await gateway.WaitAsync(job);
        await SubmitAsync(gateway, 400, $$"""{"prompt":"{{Secret}}","size":"{{Secret}}"}""");
        await SubmitAsync(gateway, 400, $$"""{"prompt":"{{Secret}}" and more""");

        var spans = await _spans.OfAsync("Emu3.Grains", least: 3);
        Assert.Contains(logs.Lines, line => line.Contains("could not be made", StringComparison.Ordinal));
        Assert.DoesNotContain(logs.Lines, line => line.Contains(Secret, StringComparison.Ordinal));
        Assert.DoesNotContain(spans.SelectMany(span => span.TagObjects), tag => tag.Value?.ToString()?.Contains(Secret, StringComparison.Ordinal) == true);

        static void Break(string request, int offset)
        {
            if (request.EndsWith("/2", StringComparison.Ordinal) && offset > 8) throw new InvalidOperationException("It broke.");
        }
    }

    private async Task<string> SubmitAsync(GatewayCluster gateway, params string[] lines) => (await SubmitAsync(gateway, 202, lines))!;

    private async Task<string?> SubmitAsync(GatewayCluster gateway, int expectedStatus, params string[] lines)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent(string.Join('\n', lines.Prepend("{}")), Encoding.UTF8, "application/x-ndjson"),
        };
        request.Headers.Add("traceparent", _spans.TraceParent);
        var answer = await gateway.SendAsync(request, expectedStatus);
        return expectedStatus == 202 ? answer.GetProperty("id").GetString() : null;
    }
}
