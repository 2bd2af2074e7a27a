using System.Collections.Concurrent;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>
/// The validations that this gateway runs, behind the answers. One that it does not finish is taken up by whichever gateway is asked about the batch next:
/// the record is durable, and the same batch gives the same job.
/// </summary>
internal sealed class BatchValidations(IServiceScopeFactory scopes, ClusterCalls cluster, IHostApplicationLifetime life, ILogger<BatchValidations> logger) : IDisposable
{
    private const int AtOnce = 4;
    private static readonly TimeSpan s_claimPeriod = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(3);
    private readonly string _name = Guid.NewGuid().ToString("N");
    private readonly ConcurrentDictionary<BatchId, bool> _running = [];
    private readonly SemaphoreSlim _places = new(AtOnce);

    /// <summary>Validates the batch, unless it is being validated here.</summary>
    public void Begin(BatchInfo info)
    {
        if (_running.TryAdd(info.Id, true)) _ = Task.Run(() => Run(info), CancellationToken.None); // logs what fails in it
    }

    public void Dispose() => _places.Dispose();

    private async Task Run(BatchInfo info)
    {
        var stopping = life.ApplicationStopping;
        try
        {
            await _places.WaitAsync(stopping);
            try
            {
                while (await Claim(info.Id, stopping) && !await Try(info, stopping)) await Task.Delay(s_wait, cluster.Time, stopping);
            }
            finally
            {
                _places.Release();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || ClusterCalls.IsTransient(exception))
        {
            GatewayLog.BatchNotValidated(logger, info.Id.Value, exception.Message);
        }
        catch (Exception exception)
        {
            GatewayLog.ValidationFailed(logger, info.Id.Value, exception);
        }
        finally
        {
            _running.TryRemove(info.Id, out _);
        }
    }

    /// <summary>True when it is done, whatever came of it; false when it is worth another try.</summary>
    private async Task<bool> Try(BatchInfo info, CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var claims = KeepClaim(info.Id, ending.Token);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<Caller>().Become(info.Tenant, info.KeyId);
            return await scope.ServiceProvider.GetRequiredService<BatchValidation>().Run(info, stopping);
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception, stopping))
        {
            GatewayLog.BatchNotValidated(logger, info.Id.Value, exception.Message);
            return false;
        }
        finally
        {
            await ending.CancelAsync();
            await claims;
        }
    }

    private Task<bool> Claim(BatchId id, CancellationToken cancellationToken) => cluster.Repeat(() => cluster.Grain<IBatch>(id.Value).Claim(_name), cancellationToken);

    /// <summary>Others keep off as long as this one lives. Two at once do no harm either.</summary>
    private async Task KeepClaim(BatchId id, CancellationToken ending)
    {
        using var timer = new PeriodicTimer(s_claimPeriod, cluster.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(ending)) await Claim(id, ending);
        }
        catch (Exception exception) when (exception is OperationCanceledException || ClusterCalls.IsTransient(exception, ending))
        {
            return;
        }
    }
}
