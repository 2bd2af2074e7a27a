using System.Net;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Access;

/// <summary>Stands before all routes: finds out who calls, and lets nobody pass who may not.</summary>
internal sealed class KeyCheck(KeyRules rules, KnownKeys keys, TimeProvider time)
{
    private const string Scheme = "Bearer ";

    /// <summary>With the age of what is known of keys, less than the 10 s within which a revocation holds.</summary>
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromSeconds(5);

    /// <summary>As middleware, behind the one that gives failures their answers.</summary>
    public async Task Handle(HttpContext http, RequestDelegate next)
    {
        var metadata = http.GetEndpoint()?.Metadata;
        ApiKey? key = null;
        if (metadata?.GetMetadata<OpenRoute>() is null)
        {
            var caller = http.RequestServices.GetRequiredService<Caller>();
            var isPage = metadata?.GetMetadata<BrowserRoute>() is not null;
            var refusal = await Identify(http, caller, isPage);
            if (refusal is null && metadata?.GetMetadata<AdminRoute>() is not null && !caller.IsAdmin) refusal = FailureResponses.NotAdmin();
            if (refusal is not null)
            {
                if (isPage && refusal.Status == StatusCodes.Status401Unauthorized) refusal = refusal with { Challenge = BasicPassword.Challenge };
                await refusal.ExecuteAsync(http);
                return;
            }
            key = caller.Key;
        }
        var request = next(http);
        if (key is not null) await Follow(http, request, key);
        await request;
    }

    /// <summary>A request that lasts, as a stream, is cut off when its key is revoked, gets another secret, or expires.</summary>
    private async Task Follow(HttpContext http, Task request, ApiKey key)
    {
        while (!request.IsCompleted)
        {
            using var enough = new CancellationTokenSource();
            var first = await Task.WhenAny(request, Task.Delay(s_lookEvery, time, enough.Token));
            await enough.CancelAsync();
            if (first == request || await StillOpens(key)) continue;
            http.Abort();
            return;
        }
    }

    private async Task<bool> StillOpens(ApiKey key)
    {
        try
        {
            return await keys.Find(key.Id, key.SecretHash, CancellationToken.None) is { } now && now.IsValid(time.GetUtcNow());
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception, CancellationToken.None))
        {
            return true; // not known for the moment
        }
    }

    private async ValueTask<FailureResponse?> Identify(HttpContext http, Caller caller, bool isPage)
    {
        // However it came about that this gateway listens elsewhere too: without a key it is this machine's alone.
        if (!rules.AreRequired && (http.Connection.LocalIpAddress is not { } local || IPAddress.IsLoopback(local)))
        {
            caller.BecomeAnyone();
            return null;
        }
        var header = http.Request.Headers.Authorization.ToString();
        var text = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : isPage ? BasicPassword.Read(header) : null;
        if (text is null) return FailureResponses.KeyMissing();
        if (rules.Bootstrap?.Is(text) == true)
        {
            caller.BecomeBootstrap();
            return null;
        }
        if (!KeyText.TryReadId(text, out var id) || await keys.Find(id, KeyText.Hash(text), http.RequestAborted) is not { } key)
            return FailureResponses.KeyUnknown();
        // Whoever has the secret may know what became of it.
        if (key.RevokedAt is not null) return FailureResponses.KeyEnded("was revoked");
        if (!key.IsValid(time.GetUtcNow())) return FailureResponses.KeyEnded("has expired");
        caller.Become(key);
        caller.Request = http.TraceIdentifier;
        if (key.Quotas.ImagesAnHour is not null)
        {
            http.Response.OnStarting(() =>
            {
                caller.Limit?.Write(http.Response.Headers);
                return Task.CompletedTask;
            });
        }
        return null;
    }
}
