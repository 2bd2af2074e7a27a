namespace Emu3.Benchmarks.Fuzz;

/// <summary>
/// A request that the gateway serves: what mutations begin from. <c>{job}</c> and the like in target and body stand for what <see cref="FuzzWorld"/> has.
/// </summary>
/// <param name="Route">Method and pattern as the gateway maps it, as <c>GET /v1/jobs/{id}</c>.</param>
/// <param name="Target">Path and query.</param>
internal sealed record SeedRequest(string Route, string Target)
{
    public string Method => Route[..Route.IndexOf(' ', StringComparison.Ordinal)];

    /// <summary>What the body is made of.</summary>
    public BodyForm Form { get; init; }

    /// <summary>The body, in UTF-8.</summary>
    public string Body { get; init; } = "";

    /// <summary>Who asks, when the request is left as it is.</summary>
    public FuzzCaller Caller { get; init; } = FuzzCaller.User;

    /// <summary>How often it is drawn, beside the others.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>Headers beside those that every request has.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Content-Type of the form; null where there is no body.</summary>
    public string? ContentType => Form switch
    {
        BodyForm.Json => "application/json",
        BodyForm.JsonLines => "application/x-ndjson",
        BodyForm.Multipart => $"multipart/form-data; boundary={FormMutator.Boundary}",
        _ => null,
    };
}

/// <summary>What a body is made of.</summary>
internal enum BodyForm
{
    None,
    Json,
    JsonLines,
    Multipart,
}

/// <summary>Whose key a request shows.</summary>
internal enum FuzzCaller
{
    Nobody,
    User,
    Admin,
}
