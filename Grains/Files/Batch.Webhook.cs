using Emu3.Grains.Interfaces;
using Emu3.Grains.Webhooks;

namespace Emu3.Grains.Files;

/// <summary>
/// A batch that ends before it has a job is told of by itself. A reminder is there before the batch is, and stays until the notice is in other hands or
/// the job has all its items: its end is the job's to tell.
/// </summary>
public sealed partial class Batch
{
    private const string AnnounceReminder = "announce";
    private static readonly TimeSpan s_announcePeriod = TimeSpan.FromMinutes(1);

    private Task ExpectEndAsync(BatchCard card) => card is { Webhook: not null, Stage: BatchStage.Validating }
        ? this.RegisterOrUpdateReminder(AnnounceReminder, s_announcePeriod, s_announcePeriod)
        : Task.CompletedTask;

    /// <summary>May be repeated.</summary>
    private async Task AnnounceAsync()
    {
        if (_row.Durable.Card is { Stage: BatchStage.Validating }) return;
        if (_row.Durable.Card is { Webhook: not null } card && JobNotice.Of(card) is { } notice) await Delivery(card).Announce(notice);
        await ForgetReminderAsync(AnnounceReminder);
    }

    private IWebhookDelivery Delivery(BatchCard card) => GrainFactory.GetGrain<IWebhookDelivery>(IWebhookDelivery.KeyOf(card.Id.Job, 0));
}
