using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

public sealed partial class WebhookTests
{
    /// <summary>The receiver has the notice and has not answered when everything dies: nothing wakes the cluster afterwards but itself.</summary>
    [Fact]
    public async Task CrashDuringADelivery_RepeatsIt_UnderTheSameId()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (number, http) => number == 1 ? Task.Delay(Timeout.Infinite, http.RequestAborted) : Task.CompletedTask;
        string job;
        ReceivedWebhook first;
        await using (var gateway = await StartAsync())
        {
            job = await SubmitAsync(gateway, receiver.Address.AbsoluteUri);
            first = await receiver.NextAsync();
            await gateway.Cluster.CrashAsync();
        }

        await using (var gateway = await StartAsync())
        {
            var second = await receiver.NextAsync();

            Assert.Equal((first.Id, first.Body), (second.Id, second.Body));
            second.Verify(await SecretAsync(gateway));
            Assert.Equal("delivered", (await SettledAsync(gateway, job)).GetProperty("status").GetString());
        }
    }

    /// <summary>The job has ended for its watchers, and everything dies somewhere before, in or after the handing over of the notice.</summary>
    [Fact]
    public async Task CrashRightAfterTheEnd_LosesNoNotice()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        string job;
        await using (var gateway = await StartAsync())
        {
            job = await SubmitAsync(gateway, receiver.Address.AbsoluteUri);
            await gateway.WaitAsync(job);
            await gateway.Cluster.CrashAsync();
        }

        await using (var gateway = await StartAsync())
        {
            await receiver.NextAsync();
            Assert.Equal("delivered", (await SettledAsync(gateway, job)).GetProperty("status").GetString());
            Assert.Single(receiver.Received.Select(told => told.Id).Distinct());
        }
    }

    /// <summary>Nobody asks about the batch afterwards: who waits for a webhook does not.</summary>
    [Fact]
    public async Task CrashRightBehindTheAnswerThatABatchIsMade_LosesNoNotice()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        string batch;
        await using (var gateway = await StartAsync())
        {
            batch = await MakeBatchAsync(
                gateway, """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"model":"fake","prompt":"a star"}}""", receiver.Address.AbsoluteUri);
            await gateway.Cluster.CrashAsync();
        }

        await using (var gateway = await StartAsync())
        {
            var told = await receiver.NextAsync();
            Assert.Equal(("batch.completed", batch), (told.Type, told.Json.GetProperty("data").GetProperty("id").GetString()));
        }
    }
}
