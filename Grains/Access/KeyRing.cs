using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Access;

/// <summary>See <see cref="IKeyRing"/>. Decides by <see cref="KeyRingTransitions"/>.</summary>
[Reentrant]
public sealed partial class KeyRing : Grain, IKeyRing
{
    private readonly DurableState<KeyRingState, KeyRingState> _state;
    private readonly TimeProvider _time;
    private readonly ILogger<KeyRing> _logger;

    public KeyRing([PersistentState("keyring", ClusterProviders.GrainStorage)] IPersistentState<KeyRingState> row, TimeProvider time, ILogger<KeyRing> logger)
    {
        (_time, _logger) = (time, logger);
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        return Task.CompletedTask;
    }

    public Task<ApiKey?> Add(ApiKey key) => ChangeAsync(key.Id, KeyRingTransitions.Add(_state.Current, key, _time.GetUtcNow()));

    public Task<ApiKey?> Revoke(string id) => ChangeAsync(id, KeyRingTransitions.Revoke(_state.Current, id, _time.GetUtcNow()));

    public Task<ApiKey?> Rotate(string id, byte[] secretHash, string lastFour) =>
        ChangeAsync(id, KeyRingTransitions.Rotate(_state.Current, id, secretHash, lastFour, _time.GetUtcNow()));

    public Task<KeyRingPage?> ReadUnless(long version)
    {
        _state.ThrowIfFaulted();
        var state = _state.Durable;
        return Task.FromResult(state.Version == version
            ? null
            : new KeyRingPage(state.Version, [.. state.Keys.Values.OrderBy(key => key.CreatedAt).ThenBy(key => key.Id, StringComparer.Ordinal)]));
    }

    private async Task<ApiKey?> ChangeAsync(string id, KeyRingState decided)
    {
        _state.Current = decided;
        await _state.SettleAsync();
        return _state.Durable.Keys.GetValueOrDefault(id);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "The key ring could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure);
}
