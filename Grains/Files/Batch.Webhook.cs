using Emu3.Grains.Interfaces;
using Emu3.Grains.Webhooks;

namespace Emu3.Grains.Files;

/// <summary>
/// A batch that ends before it has a job tells that by itself. A reminder is there before the batch is, and stays until the notice is in other hands or the
/// job has all its items: its end is the job's to tell.
/// </summary>
public sealed partial class Batch
{
    private const string AnnounceReminder = "announce";

    private Task ExpectEndAsync(BatchInfo info) => info is { Webhook: not null, Stage: BatchStage.Validating }
        ? this.RegisterOrUpdateReminder(AnnounceReminder, _webhooks.WakePeriod, _webhooks.WakePeriod)
        : Task.CompletedTask;

    /// <summary>What its end needs, whatever was lost: a gateway that goes on with its validation, or the notice. May be repeated.</summary>
    private async Task AnnounceAsync()
    {
        if (_row.Durable.Info is { Stage: BatchStage.Validating } waiting)
        {
            await GrainFactory.GetGrain<IBatchQueue>(0).Offer(waiting.Id);
            return;
        }

        if (_row.Durable.Info is { Webhook: not null } info && JobNotice.Of(info) is { } notice) await Delivery(info).Announce(notice);
        await ForgetReminderAsync(AnnounceReminder);
    }

    private IWebhookDelivery Delivery(BatchInfo info) => GrainFactory.GetGrain<IWebhookDelivery>(IWebhookDelivery.KeyOf(info.Id.Job, 0));
}
