using System.Net;
using System.Text.Json;
using Emu3.Tests.Fakes;
using Microsoft.AspNetCore.Http;

namespace Emu3.Tests.Cluster;

/// <summary>What no receiver gets: notices whose address leads inside, or is none.</summary>
public sealed partial class WebhookTests
{
    [Fact]
    public async Task Redirect_IsNotFollowed_AndTheNoticeIsGivenUpVisibly_UntilItIsAskedForAgain()
    {
        await using var inside = await WebhookReceiver.StartAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (_, http) =>
        {
            http.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            http.Response.Headers.Location = inside.Address.AbsoluteUri;
            return Task.CompletedTask;
        };
        await using var gateway = await StartAsync(Options(retries: 1));
        var job = await SubmitAsync(gateway, receiver.Address.AbsoluteUri);

        var webhook = await SettledAsync(gateway, job);
        Assert.Equal(("failed", 2), StandingOf(webhook));
        Assert.Contains("307", webhook.GetProperty("last_error").GetString(), StringComparison.Ordinal);
        Assert.Empty(inside.Received);
        Assert.Contains($"Webhook {receiver.Address.AbsoluteUri}: failed after 2 tries, the last: {webhook.GetProperty("last_error").GetString()}",
            await RunAsync(gateway, "jobs", "show", job), StringComparison.Ordinal);

        receiver.AnswerWith(HttpStatusCode.OK);
        await gateway.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{job}/webhook/redeliver"), 200);
        webhook = await SettledAsync(gateway, job);
        Assert.Equal(("delivered", 1), StandingOf(webhook));
        Assert.Single(receiver.Received.Select(one => one.Id).Distinct());
        await gateway.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{await SubmitAsync(gateway, null)}/webhook/redeliver"), 400);
        await gateway.SendAsync(new(HttpMethod.Post, "/v1/jobs/job_0123456789abcdef0123456789abcdef/webhook/redeliver"), 404);
    }

    /// <summary>127.0.0.2 stands for the internet; at 127.0.0.1, under the same port, is what only the cluster may reach.</summary>
    [Fact]
    public async Task NameThatTurnsPrivate_IsNotConnectedTo()
    {
        await using var outside = await WebhookReceiver.StartAsync("127.0.0.2");
        await using var inside = await WebhookReceiver.StartAsync("127.0.0.1", outside.Address.Port);
        outside.Answer = (_, http) =>
        {
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            http.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        };
        var asked = 0;
        await using var gateway = await StartAsync(
            Options(retries: 2, networks: "127.0.0.2/32"),
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(Interlocked.Increment(ref asked) == 1 ? "127.0.0.2" : "127.0.0.1")]));
        var job = await SubmitAsync(gateway, $"http://receiver.example:{outside.Address.Port}/");

        var webhook = await SettledAsync(gateway, job);

        Assert.Equal(("failed", 3), StandingOf(webhook));
        Assert.Contains("private", webhook.GetProperty("last_error").GetString(), StringComparison.Ordinal);
        Assert.Single(outside.Received);
        Assert.Empty(inside.Received);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task AddressThatIsNotPublic_IsRefused_WhenAnythingIsMade()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false));
        foreach (var url in (string[])[
            "https://127.0.0.1/x", "https://2130706433/x", "https://[::ffff:10.0.0.1]/x", "https://169.254.169.254/latest/meta-data", "https://localhost/x",
            "http://example.org/x", "https://a:b@example.org/x", "file:///etc/passwd", ""])
        {
            foreach (var query in (string[])["", "?validate=true"])
                AssertNamesTheUrl(await gateway.SubmitAsync([$$$"""{"webhook":{"url":"{{{url}}}"}}""", """{"prompt":"a"}"""], 400, query: query));
            AssertNamesTheUrl(await SendBatchAsync(gateway, "file-0123456789abcdef0123456789abcdef", url, 400));
        }
    }

    [Fact]
    public async Task WebhookThatIsNotWellFormed_IsRefusedByField()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false));
        foreach (var (text, param) in ((string, string)[])[
            ("7", "webhook"), ("\"https://example.org\"", "webhook"), ("{}", "webhook.url"), ("""{"url":7}""", "webhook.url"),
            ("""{"url":"https://example.org","secret":"x"}""", "webhook.secret"), ($$$"""{"url":"https://example.org/{{{new string('x', 2048)}}}"}""", "webhook.url")])
        {
            var error = (await gateway.SubmitAsync([$$$"""{"webhook":{{{text}}}}""", """{"prompt":"a"}"""], 400)).GetProperty("error");
            Assert.Equal(param, error.GetProperty("param").GetString());
        }
    }

    private static void AssertNamesTheUrl(JsonElement answer)
    {
        var error = answer.GetProperty("error");
        Assert.Equal(("webhook.url", "invalid_request_error"), (error.GetProperty("param").GetString(), error.GetProperty("type").GetString()));
        Assert.StartsWith("webhook.url: ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
