using Emu3.Grains.Interfaces;
using Emu3.Grains.Webhooks;

namespace Emu3.Grains.Jobs;

/// <summary>
/// The end of each attempt is handed over for delivery before the job leaves the index: repeated after every crash until it is, and taken once.
/// </summary>
public sealed partial class GenerationJob
{
    private (int Attempt, WebhookState? State) _webhook;

    /// <summary>Completes when the notice of a job that has ended is in other hands.</summary>
    private async Task AnnounceAsync()
    {
        if (_state.Durable is not { IsTerminal: true, IsDeleted: false, Spec.Webhook: not null } state) return;
        var batch = await GrainFactory.GetGrain<IBatch>(BatchId.Of(_job).Value).Find();
        if (JobNotice.Of(_job, state, batch) is { } notice) await Delivery(state.DesiredState.Attempt).Announce(notice);
    }

    private async Task LookAtWebhookAsync()
    {
        if (_state.Durable is { IsTerminal: true, IsDeleted: false, Spec.Webhook: not null } state)
            _webhook = (state.DesiredState.Attempt, await Delivery(state.DesiredState.Attempt).Find());
    }

    /// <summary>As it was seen last.</summary>
    private WebhookState? WebhookOf(JobState state) => state.Spec!.Webhook is not { } url ? null
        : _webhook is { State: { } seen } && _webhook.Attempt == state.DesiredState.Attempt && state.IsTerminal ? seen
        : new() { Url = url };

    /// <summary>What is deleted tells nothing any more, whichever attempt it was about.</summary>
    private async Task ForgetNoticesAsync()
    {
        if (_state.Current.Spec?.Webhook is null) return;
        for (var attempt = 0; attempt <= _state.Current.DesiredState.Attempt; attempt++) await Delivery(attempt).Forget();
    }

    private IWebhookDelivery Delivery(int attempt) => GrainFactory.GetGrain<IWebhookDelivery>(IWebhookDelivery.KeyOf(_job, attempt));
}
