using System.Net;

namespace Emu3.Gateway.Access;

/// <summary>Stands before all routes: finds out who calls, and lets nobody pass who may not.</summary>
internal sealed class KeyCheck(KeyRules rules, KnownKeys keys, TimeProvider time)
{
    private const string Scheme = "Bearer ";

    /// <summary>As middleware, behind the one that gives failures their answers.</summary>
    public async Task Handle(HttpContext http, RequestDelegate next)
    {
        var metadata = http.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<OpenRoute>() is null)
        {
            var caller = http.RequestServices.GetRequiredService<Caller>();
            var refusal = await Identify(http, caller);
            if (refusal is null && metadata?.GetMetadata<AdminRoute>() is not null && !caller.IsAdmin) refusal = FailureResponses.NotAdmin();
            if (refusal is not null)
            {
                await refusal.ExecuteAsync(http);
                return;
            }
        }
        await next(http);
    }

    private async ValueTask<FailureResponse?> Identify(HttpContext http, Caller caller)
    {
        // However it came about that this gateway listens elsewhere too: without a key it is this machine's alone.
        if (!rules.AreRequired && (http.Connection.LocalIpAddress is not { } local || IPAddress.IsLoopback(local)))
        {
            caller.BecomeAnyone();
            return null;
        }
        var header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return FailureResponses.KeyMissing();
        var text = header[Scheme.Length..].Trim();
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
