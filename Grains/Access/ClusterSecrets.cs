using System.Collections.Immutable;
using System.Security.Cryptography;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Access;

/// <summary>See <see cref="IClusterSecrets"/>.</summary>
[Reentrant]
public sealed partial class ClusterSecrets : Grain, IClusterSecrets
{
    private const int SecretBytes = 32;

    private readonly DurableState<ImmutableSortedDictionary<string, byte[]>, ClusterSecretsRow> _secrets;
    private readonly ILogger<ClusterSecrets> _logger;

    public ClusterSecrets([PersistentState("secrets", ClusterProviders.GrainStorage)] IPersistentState<ClusterSecretsRow> row, ILogger<ClusterSecrets> logger)
    {
        _logger = logger;
        _secrets = new(
            row,
            stored => stored.Secrets.ToImmutableSortedDictionary(StringComparer.Ordinal),
            secrets => new ClusterSecretsRow { Secrets = secrets.ToDictionary() },
            OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _secrets.Load();
        return Task.CompletedTask;
    }

    public async Task<byte[]> Get(string purpose)
    {
        if (!_secrets.Current.ContainsKey(purpose)) _secrets.Current = _secrets.Current.Add(purpose, RandomNumberGenerator.GetBytes(SecretBytes));
        await _secrets.SettleAsync();
        return _secrets.Durable[purpose];
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The cluster's secrets could not be stored; they start again from what is stored.")]
    private partial void LogNotStored(Exception failure);
}

/// <summary>The secrets as they are stored.</summary>
[GenerateSerializer, Alias("emu3.ClusterSecretsRow")]
public sealed class ClusterSecretsRow
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public Dictionary<string, byte[]> Secrets { get; set; } = [];
}
