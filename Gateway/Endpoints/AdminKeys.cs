using System.Globalization;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/admin/keys</c> and <c>/v1/admin/audit</c>: for admins.</summary>
internal static class AdminKeys
{
    private const int UsualActs = 50;
    private const int MaxActs = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var admin = routes.MapGroup("/v1/admin").WithMetadata(AdminRoute.Metadata);
        admin.MapPost("/keys", Create).Tell(ApiGroups.Keys, "Make a key", "The key itself is in this answer and never again: the same request once more gives the same key another secret.")
            .HearsIdempotencyKey().Takes(RequestShapes.Key).Gives<KeyAnswer>(StatusCodes.Status201Created);
        admin.MapGet("/keys", List).Tell(ApiGroups.Keys, "List keys").Gives<KeyList>();
        admin.MapDelete("/keys/{id}", Revoke).Tell(ApiGroups.Keys, "Revoke a key", "Holds everywhere within 10 s; streams under it are cut off.").Gives<KeyAnswer>();
        admin.MapPost("/keys/{id}/rotate", Rotate).Tell(ApiGroups.Keys, "Give a key another secret", "The old one opens nothing any more.").Gives<KeyAnswer>();
        admin.MapGet("/audit", ReadAudit).Tell(ApiGroups.Keys, "Read the acts of admins, newest first")
            .AsksLimit(UsualActs, MaxActs).Asks("before", "The `next` of the page before.").Gives<AuditList>();
    }

    private static async Task<IResult> Create(HttpContext http, ClusterCalls cluster, KnownKeys keys, Caller caller, AuditTrail audit)
    {
        var (idempotencyKey, badKey) = IdempotencyKey.Of(http.Request);
        if (badKey is not null) return badKey;
        var (document, refusal) = await RequestBody.Read(http.Request, http.RequestAborted);
        if (document is null) return refusal!;
        using var _ = document;
        var now = cluster.Time.GetUtcNow();
        var errors = new List<ItemError>();
        var request = KeyRequest.Read(document.RootElement, now, errors);
        if (errors.Count > 0) return FailureResponses.BadRequest(errors);

        var name = RequestName.Of(idempotencyKey, http.Request.Path, document);
        var id = name is null ? KeyText.DrawId() : KeyText.IdFrom(caller.Tenant, name.Key);
        var text = KeyText.Draw(id);
        var key = new ApiKey
        {
            Id = id,
            Name = request.Name,
            Tenant = request.Tenant,
            Role = request.Role,
            SecretHash = KeyText.Hash(text),
            LastFour = KeyText.LastFourOf(text),
            CreatedAt = now,
            ExpiresAt = request.ExpiresAt,
            Weight = request.Weight,
            Quotas = request.Quotas,
            RequestHash = name?.ContentHash,
        };
        await audit.Record(http, "key.create", id, $"{request.Role.ToString().ToLowerInvariant()} of tenant {request.Tenant}, \"{request.Name}\"");
        if (await cluster.Repeat(() => cluster.Grain<IKeyRing>(0).Add(key), http.RequestAborted) is not { } made) return FailureResponses.KeyRingFull();
        // The dispatcher reads the weights of keys now, and not only on its next round.
        if (key.Weight is not null) await cluster.Repeat(() => cluster.Dispatcher.Wake(), http.RequestAborted);
        return Shown(http, keys, made, now, text, StatusCodes.Status201Created);
    }

    private static async Task<IResult> List(KnownKeys keys, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return new JsonAnswer<KeyList>(new([.. (await keys.ReadAll(cancellationToken)).Select(key => KeyAnswer.Of(key, now))]));
    }

    private static async Task<IResult> Revoke(string id, HttpContext http, ClusterCalls cluster, KnownKeys keys, AuditTrail audit)
    {
        if (await Find(id, keys, http.RequestAborted) is null) return FailureResponses.KeyNotFound(id);
        await audit.Record(http, "key.revoke", id);
        var revoked = await cluster.Repeat(() => cluster.Grain<IKeyRing>(0).Revoke(id), http.RequestAborted);
        keys.Forget();
        return revoked is null ? FailureResponses.KeyNotFound(id) : new JsonAnswer<KeyAnswer>(KeyAnswer.Of(revoked, cluster.Time.GetUtcNow()));
    }

    private static async Task<IResult> Rotate(string id, HttpContext http, ClusterCalls cluster, KnownKeys keys, AuditTrail audit)
    {
        var now = cluster.Time.GetUtcNow();
        if (await Find(id, keys, http.RequestAborted) is not { } known) return FailureResponses.KeyNotFound(id);
        if (!known.IsValid(now)) return FailureResponses.KeyNotValid(id);
        await audit.Record(http, "key.rotate", id);
        var text = KeyText.Draw(id);
        var rotated = await cluster.Repeat(() => cluster.Grain<IKeyRing>(0).Rotate(id, KeyText.Hash(text), KeyText.LastFourOf(text)), http.RequestAborted);
        return rotated is null ? FailureResponses.KeyNotFound(id) : Shown(http, keys, rotated, now, text, StatusCodes.Status200OK);
    }

    private static async Task<ApiKey?> Find(string id, KnownKeys keys, CancellationToken cancellationToken) =>
        KeyText.IsId(id) ? (await keys.ReadAll(cancellationToken)).FirstOrDefault(key => key.Id == id) : null;

    /// <summary>The one time that the key itself is told: no cache may keep it. One that is not valid was not given this secret.</summary>
    private static IResult Shown(HttpContext http, KnownKeys keys, ApiKey key, DateTimeOffset now, string text, int status)
    {
        if (!key.SecretHash.AsSpan().SequenceEqual(KeyText.Hash(text))) return FailureResponses.KeyNotValid(key.Id);
        keys.Forget();
        http.Response.Headers.CacheControl = "no-store";
        return new JsonAnswer<KeyAnswer>(KeyAnswer.Of(key, now, text), status);
    }

    private static async Task<IResult> ReadAudit(HttpRequest request, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        var (limit, before) = (UsualActs, default(long?));
        if (request.Query["limit"].ToString() is { Length: > 0 } number
            && (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxActs))
            return FailureResponses.BadRequest([new("limit", $"must be a whole number from 1 to {MaxActs}.")]);
        if (request.Query["before"].ToString() is { Length: > 0 } place)
        {
            if (!long.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed))
                return FailureResponses.BadRequest([new("before", "must be the \"next\" of the page before.")]);
            before = parsed;
        }

        var records = new List<AuditRecord>();
        while (records.Count < limit && before is not 0)
        {
            var (end, most) = (before, limit - records.Count);
            var read = await cluster.Repeat(() => cluster.Grain<IAuditLog>(0).Read(end, most), cancellationToken);
            if (read.Length == 0) break;
            records.AddRange(read);
            before = read[^1].Number;
        }
        return new JsonAnswer<AuditList>(new([.. records.Select(AuditAnswer.Of)], records is [.., { Number: > 0 } last] ? last.Number : null));
    }
}
