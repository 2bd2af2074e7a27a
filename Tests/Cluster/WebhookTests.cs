using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Cli;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Webhooks;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using StandardWebhooks.Diagnostics;

namespace Emu3.Tests.Cluster;

/// <summary>Notices of ends as a receiver gets them.</summary>
[Trait("Suite", "Cluster")]
public sealed partial class WebhookTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task JobThatEnds_IsToldOnce_SignedAsTheLibraryWants()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var gateway = await StartAsync();
        var job = await SubmitAsync(gateway, new Uri(receiver.Address, "/emu3?a=b").AbsoluteUri);

        var told = await receiver.NextAsync();

        told.Verify(await SecretAsync(gateway));
        Assert.Equal(("/emu3", "application/json"), (told.Path, told.Headers["content-type"].ToString()));
        Assert.Equal(("job.completed", told.Id), (told.Type, told.Json.GetProperty("id").GetString()));
        Assert.Equal(job, told.Json.GetProperty("data").GetProperty("id").GetString());
        Assert.Equal(2, told.Json.GetProperty("data").GetProperty("counts").GetProperty("done").GetInt32());
        Assert.DoesNotContain("traceparent", told.Headers.Keys);
        var webhook = await SettledAsync(gateway, job);
        Assert.Equal(("delivered", 1), StandingOf(webhook));
        Assert.Equal(told.Id, webhook.GetProperty("event_id").GetString());
        Assert.Single(receiver.Received);

        // Whoever does not know the secret can't make one.
        var forged = told with { Body = told.Body.Replace("completed", "cancelled", StringComparison.Ordinal) };
        var secret = await SecretAsync(gateway);
        Assert.Throws<WebhookVerificationException>(() => forged.Verify(secret));
    }

    [Fact]
    public async Task ReceiverThatFailsAtFirst_IsToldAgain_UnderTheSameId()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.AnswerWith(HttpStatusCode.InternalServerError, HttpStatusCode.ServiceUnavailable, HttpStatusCode.NoContent);
        await using var gateway = await StartAsync();
        var job = await SubmitAsync(gateway, receiver.Address.AbsoluteUri);

        var told = new[] { await receiver.NextAsync(), await receiver.NextAsync(), await receiver.NextAsync() };

        Assert.Equal([told[0].Id], told.Select(one => one.Id).Distinct());
        Assert.Equal([told[0].Body], told.Select(one => one.Body).Distinct());
        var secret = await SecretAsync(gateway);
        foreach (var one in told) one.Verify(secret);
        var webhook = await SettledAsync(gateway, job);
        Assert.Equal(("delivered", 3), StandingOf(webhook));
        Assert.Equal(JsonValueKind.Null, webhook.GetProperty("last_error").ValueKind);
        Assert.Equal(3, receiver.Received.Count);
    }

    /// <summary>Reminders come by every second meanwhile, and let the try be.</summary>
    [Fact]
    public async Task ReceiverThatIsSlow_IsWaitedFor()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (_, http) => Task.Delay(TimeSpan.FromSeconds(3), http.RequestAborted);
        await using var gateway = await StartAsync();

        var webhook = await SettledAsync(gateway, await SubmitAsync(gateway, receiver.Address.AbsoluteUri));

        Assert.Equal(("delivered", 1), StandingOf(webhook));
        Assert.Single(receiver.Received);
    }

    [Fact]
    public async Task DeletedJob_IsToldNoMore()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.AnswerWith(HttpStatusCode.InternalServerError);
        await using var gateway = await StartAsync(Options(retries: 3, wait: TimeSpan.FromHours(1)));
        var job = await SubmitAsync(gateway, receiver.Address.AbsoluteUri);
        await receiver.NextAsync();
        JsonElement webhook;
        do webhook = (await gateway.GetAsync($"/v1/jobs/{job}")).GetProperty("webhook");
        while (webhook.GetProperty("attempts").GetInt32() == 0);
        Assert.Equal("pending", webhook.GetProperty("status").GetString());
        Assert.NotEqual(JsonValueKind.Null, webhook.GetProperty("next_attempt_at").ValueKind);
        var delivery = gateway.Cluster.Client.GetGrain<IWebhookDelivery>(IWebhookDelivery.KeyOf(new(job), 1));
        var reminders = gateway.Cluster.SiloServices.GetRequiredService<IReminderTable>();
        while ((await reminders.ReadRows(delivery.GetGrainId(), Cancellation)).Reminders.Count == 0) await Task.Delay(20, Cancellation);

        await gateway.SendAsync(new(HttpMethod.Delete, $"/v1/jobs/{job}"), 204);

        Assert.Null(await delivery.Find());
        Assert.Empty((await reminders.ReadRows(delivery.GetGrainId(), Cancellation)).Reminders);
        Assert.Single(receiver.Received);
    }

    [Fact]
    public async Task SecretThatIsRotated_SignsAlongWithTheNewOne()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var gateway = await StartAsync();
        var old = await SecretAsync(gateway);
        Assert.Equal(old, await RunAsync(gateway, "webhooks", "secret"));

        var rotated = await gateway.SendAsync(new(HttpMethod.Post, "/v1/webhooks/secret/rotate"), 200);

        var fresh = rotated.GetProperty("secret").GetString()!;
        Assert.NotEqual(old, fresh);
        Assert.Equal(old, Assert.Single(rotated.GetProperty("previous").EnumerateArray()).GetProperty("secret").GetString());
        var job = await SubmitAsync(gateway, receiver.Address.AbsoluteUri);
        var told = await receiver.NextAsync();
        told.Verify(fresh);
        told.Verify(old);
        await SettledAsync(gateway, job);
        Assert.Contains(job, await RunAsync(gateway, "webhooks", "redeliver", job), StringComparison.Ordinal);
        Assert.Equal(told.Id, (await receiver.NextAsync()).Id);
        Assert.NotEqual(fresh, await RunAsync(gateway, "webhooks", "rotate"));
    }

    [Fact]
    public async Task Batch_IsTold_WhetherItHadAJobOrNot()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var gateway = await StartAsync();
        var bad = await MakeBatchAsync(gateway, """{"custom_id":"a","method":"GET"}""", receiver.Address.AbsoluteUri);

        var failed = await receiver.NextAsync();

        Assert.Equal(("batch.failed", bad), (failed.Type, failed.Json.GetProperty("data").GetProperty("id").GetString()));
        var good = await MakeBatchAsync(
            gateway, """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"model":"fake","prompt":"a star"}}""", receiver.Address.AbsoluteUri);
        var completed = await receiver.NextAsync();
        Assert.Equal(("batch.completed", good), (completed.Type, completed.Json.GetProperty("data").GetProperty("id").GetString()));
        Assert.Equal(1, completed.Json.GetProperty("data").GetProperty("request_counts").GetProperty("completed").GetInt32());
        var secret = await SecretAsync(gateway);
        foreach (var (batch, told) in ((string, ReceivedWebhook)[])[(bad, failed), (good, completed)])
        {
            told.Verify(secret);
            JsonElement webhook;
            do webhook = (await gateway.GetAsync($"/v1/batches/{batch}")).GetProperty("webhook");
            while (webhook.GetProperty("status").GetString() == "pending");
            Assert.Equal(("delivered", told.Id), (webhook.GetProperty("status").GetString(), webhook.GetProperty("event_id").GetString()));
            await gateway.SendAsync(new(HttpMethod.Post, $"/v1/batches/{batch}/webhook/redeliver"), 200);
            Assert.Equal(told.Id, (await receiver.NextAsync()).Id);
        }
    }

    private static WebhookOptions Options(int retries = 8, TimeSpan? wait = null, string networks = "127.0.0.0/8") => new()
    {
        AllowHttp = true,
        AllowedNetworks = [networks],
        RetryWaits = [.. Enumerable.Repeat(wait ?? TimeSpan.FromMilliseconds(50), retries)],
        WakePeriod = TimeSpan.FromSeconds(1),
    };

    private async Task<GatewayCluster> StartAsync(WebhookOptions? options = null, HostResolver? resolve = null) =>
        await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath, webhooks: options ?? Options(), resolve: resolve));

    private static async Task<string> SubmitAsync(GatewayCluster gateway, string? url) => (await gateway.SubmitAsync(
        [url is null ? "{}" : $$$"""{"webhook":{"url":"{{{url}}}"}}""", """{"prompt":"a","size":"64x64"}""", """{"prompt":"b","size":"64x64"}"""])).GetProperty("id").GetString()!;

    /// <summary>The webhook of a job, once it is not pending any more.</summary>
    private static async Task<JsonElement> SettledAsync(GatewayCluster gateway, string job)
    {
        while (true)
        {
            var webhook = (await gateway.GetAsync($"/v1/jobs/{job}")).GetProperty("webhook");
            if (webhook.GetProperty("status").GetString() != "pending") return webhook;
            await Task.Delay(20, Cancellation);
        }
    }

    private static async Task<string> RunAsync(GatewayCluster gateway, params string[] arguments)
    {
        using var output = new StringWriter();
        var console = new CliConsole { Out = output, Error = TextWriter.Null, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
        Assert.Equal(0, await CommandLine.RunAsync([.. arguments, "--server", gateway.Address.ToString()], console, Cancellation));
        return output.ToString().Trim();
    }

    private static (string? Status, int Attempts) StandingOf(JsonElement webhook) =>
        (webhook.GetProperty("status").GetString(), webhook.GetProperty("attempts").GetInt32());

    private static async Task<string> SecretAsync(GatewayCluster gateway) => (await gateway.GetAsync("/v1/webhooks/secret")).GetProperty("secret").GetString()!;

    private static async Task<string> MakeBatchAsync(GatewayCluster gateway, string line, string url)
    {
        using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes(line)), "file", "x.jsonl" } };
        var file = (await gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = form }, 200)).GetProperty("id").GetString()!;
        return (await SendBatchAsync(gateway, file, url, 200)).GetProperty("id").GetString()!;
    }

    private static async Task<JsonElement> SendBatchAsync(GatewayCluster gateway, string file, string url, int expectedStatus)
    {
        using var body = new StringContent(
            $$$"""{"input_file_id":"{{{file}}}","endpoint":"/v1/images/generations","completion_window":"1h","webhook":{"url":"{{{url}}}"}}""", Encoding.UTF8, "application/json");
        return await gateway.SendAsync(new(HttpMethod.Post, "/v1/batches") { Content = body }, expectedStatus);
    }
}
