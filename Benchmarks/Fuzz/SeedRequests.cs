namespace Emu3.Benchmarks.Fuzz;

/// <summary>
/// A request, or several, for each route that the gateway maps. A test asks the gateway for its routes: one that is new and has none here fails it.
/// </summary>
internal static class SeedRequests
{
    private const string OneJob = "/v1/jobs/{job}";

    public static IReadOnlyList<SeedRequest> All { get; } =
    [
        .. Of("GET", "/", "/playground", "/jobs", "/pages/emu3.css", "/pages/emu3.js", "/pages/api.js", "/pages/playground.js", "/pages/recipe.js", "/pages/jobs.js", "/pages/job.js", "/pages/tiles.js", "/health", "/health/live", "/health/ready", "/health/startup", "/openapi/v1.json",
                "/reference/scalar.js", "/reference/scalar.aspnetcore.js", "/reference/favicon.svg")
            .Select(seed => seed with { Caller = FuzzCaller.Nobody }),
        new("GET /reference/{documentName?}", "/reference") { Caller = FuzzCaller.Nobody },
        new("GET /jobs/{id}", "/jobs/{job}") { Caller = FuzzCaller.Nobody },
        .. SeedBodies.All,
        new("GET /v1/jobs", "/v1/jobs?limit=5&status=completed"),
        new("GET /v1/jobs", "/v1/jobs?after={job}") { Weight = 2 },
        new("GET /v1/jobs/{id}", OneJob),
        new("DELETE /v1/jobs/{id}", "/v1/jobs/{victim}"),
        new("POST /v1/jobs/{id}/cancel", "/v1/jobs/{victim}/cancel"),
        new("POST /v1/jobs/{id}/pause", "/v1/jobs/{waiting}/pause"),
        new("POST /v1/jobs/{id}/resume", "/v1/jobs/{waiting}/resume"),
        new("POST /v1/jobs/{id}/retry_failed", $"{OneJob}/retry_failed"),
        new("GET /v1/jobs/{id}/diagnosis", $"{OneJob}/diagnosis"),
        new("GET /v1/jobs/{id}/events", $"{OneJob}/events") { Headers = [("Last-Event-ID", "1")], Weight = 2 },
        new("GET /v1/jobs/{id}/events", "/v1/jobs/{waiting}/events?after=0x2"),
        new("GET /v1/jobs/{id}/items/{item:int:min(0)}/tokens", $"{OneJob}/items/0/tokens?after=1:3") { Weight = 2 },
        new("GET /v1/jobs/{id}/results", $"{OneJob}/results?limit=2&after=1") { Weight = 2 },
        new("GET /v1/jobs/{id}/items", $"{OneJob}/items?from=1&limit=2&status=done") { Weight = 2 },
        new("GET /v1/jobs/{id}/items/{item:int:min(0)}", $"{OneJob}/items/1"),
        new("GET /v1/jobs/{id}/items/{item:int:min(0)}/content", $"{OneJob}/items/0/content") { Headers = [("Range", "bytes=0-9")], Weight = 2 },
        new("DELETE /v1/jobs/{id}/items/{item:int:min(0)}/content", "/v1/jobs/{victim}/items/1/content"),
        new("GET /v1/jobs/{id}/archive", $"{OneJob}/archive"),
        new("POST /v1/jobs/{id}/archive", $"{OneJob}/archive"),
        new("GET /v1/pictures/{id}/{item:int:min(0)}", "{signedPicture}") { Caller = FuzzCaller.Nobody, Weight = 2 },
        new("GET /v1/archives/{id}", "{signedArchive}") { Caller = FuzzCaller.Nobody, Weight = 2 },
        new("GET /v1/files", "/v1/files?limit=3&order=asc&purpose=vision&after={picture}") { Weight = 2 },
        new("GET /v1/files/{id}", "/v1/files/{picture}"),
        new("GET /v1/files/{id}", "/v1/files/{output}"),
        new("GET /v1/files/{id}/content", "/v1/files/{lines}/content") { Headers = [("Range", "bytes=2-")] },
        new("GET /v1/files/{id}/content", "/v1/files/{output}/content") { Weight = 2 },
        new("DELETE /v1/files/{id}", "/v1/files/{spare}"),
        new("GET /v1/batches", "/v1/batches?limit=2&after={batch}"),
        new("GET /v1/batches/{id}", "/v1/batches/{batch}"),
        new("POST /v1/batches/{id}/cancel", "/v1/batches/{batch}/cancel"),
        new("GET /v1/webhooks/secret", "/v1/webhooks/secret"),
        new("POST /v1/webhooks/secret/rotate", "/v1/webhooks/secret/rotate"),
        new("POST /v1/jobs/{id}/webhook/redeliver", $"{OneJob}/webhook/redeliver"),
        new("POST /v1/batches/{id}/webhook/redeliver", "/v1/batches/{batch}/webhook/redeliver"),
        new("GET /v1/models", "/v1/models"),
        new("GET /v1/models/{**model}", "/v1/models/simulated") { Weight = 2 },
        new("GET /v1/workers", "/v1/workers"),
        new("POST /v1/workers/{device}/release", "/v1/workers/fuzz/release") { Caller = FuzzCaller.Admin },
        new("POST /v1/workers/{host}/{device}/release", "/v1/workers/fuzz/cpu/release") { Caller = FuzzCaller.Admin },
        new("GET /v1/admin/keys", "/v1/admin/keys") { Caller = FuzzCaller.Admin },
        new("DELETE /v1/admin/keys/{id}", "/v1/admin/keys/{key}") { Caller = FuzzCaller.Admin },
        new("POST /v1/admin/keys/{id}/rotate", "/v1/admin/keys/{key}/rotate") { Caller = FuzzCaller.Admin },
        new("GET /v1/admin/audit", "/v1/admin/audit?limit=3&before=9") { Caller = FuzzCaller.Admin, Weight = 2 },
        new("GET /v1/usage", "/v1/usage?from=2026-11-01&to=2026-11-30&by=job&format=csv") { Weight = 2 },
        new("GET /v1/usage", "/v1/usage?tenant=fuzz") { Caller = FuzzCaller.Admin, Headers = [("Accept", "text/csv")] },
    ];

    private static IEnumerable<SeedRequest> Of(string method, params string[] paths) => paths.Select(path => new SeedRequest($"{method} {path}", path));
}
