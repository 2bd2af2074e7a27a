using System.Security.Cryptography;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Webhooks;

/// <summary>See <see cref="IWebhookSecrets"/>.</summary>
[Reentrant]
public sealed partial class WebhookSecrets : Grain, IWebhookSecrets
{
    private readonly DurableState<WebhookSecretsState, WebhookSecretsState> _state;
    private readonly TimeSpan _overlap;
    private readonly TimeProvider _time;
    private readonly ILogger<WebhookSecrets> _logger;

    public WebhookSecrets(
        [PersistentState("webhooks.secrets", ClusterProviders.GrainStorage)] IPersistentState<WebhookSecretsState> row,
        IOptions<WebhookOptions> options, TimeProvider time, ILogger<WebhookSecrets> logger)
    {
        (_overlap, _time, _logger) = (options.Value.SecretOverlap, time, logger);
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        return Task.CompletedTask;
    }

    public Task<WebhookSecretSet> Get() => TurnAsync(state => state);

    public Task<WebhookSecretSet> Rotate(byte[] secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, IWebhookSecrets.SecretBytes);
        return TurnAsync(state => state.Rotated(secret, _time.GetUtcNow(), _overlap));
    }

    private async Task<WebhookSecretSet> TurnAsync(Func<WebhookSecretsState, WebhookSecretsState> decide)
    {
        _state.ThrowIfFaulted();
        var state = _state.Current.Current.Length > 0 ? _state.Current : _state.Current with { Current = RandomNumberGenerator.GetBytes(IWebhookSecrets.SecretBytes) };
        _state.Current = decide(state);
        await _state.SettleAsync();
        return _state.Durable.Tell(_time.GetUtcNow());
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The webhook secrets of {Tenant} could not be stored; they start again from what is stored.")]
    private partial void LogNotStored(Exception failure, string tenant);
}

/// <summary>The secrets as they are stored.</summary>
[GenerateSerializer, Immutable, Alias("emu3.WebhookSecretsState")]
public sealed record WebhookSecretsState
{
    /// <summary>Old secrets that sign along at most: each makes the header longer.</summary>
    public const int MaxPrevious = 3;

    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Empty: none was asked for yet.</summary>
    [Id(1)] public byte[] Current { get; init; } = [];

    /// <summary>Latest first.</summary>
    [Id(2)] public PreviousSecret[] Previous { get; init; } = [];

    /// <summary>The secret comes in the place of the present one, which signs along for a while. The present one again changes nothing.</summary>
    public WebhookSecretsState Rotated(byte[] secret, DateTimeOffset now, TimeSpan overlap) => Current.AsSpan().SequenceEqual(secret) ? this : this with
    {
        Current = secret,
        Previous = [.. Previous.Where(previous => previous.Until > now).Prepend(new(Current, now + overlap)).Take(MaxPrevious)],
    };

    /// <summary>What is valid now.</summary>
    public WebhookSecretSet Tell(DateTimeOffset now) => new(Current, [.. Previous.Where(previous => previous.Until > now)]);
}
