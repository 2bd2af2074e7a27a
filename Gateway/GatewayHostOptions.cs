using System.ComponentModel.DataAnnotations;
using Emu3.Gateway.Access;

namespace Emu3.Gateway;

/// <summary>Section <c>Gateway</c>.</summary>
public sealed class GatewayHostOptions : IValidatableObject
{
    public const string Section = "Gateway";

    /// <summary>In <see cref="ReadyModel"/>: whichever there is.</summary>
    public const string AnyModel = "*";

    /// <summary>Where it listens. Loopback by default.</summary>
    public string Address { get; set; } = "http://127.0.0.1:8080";

    /// <summary>
    /// <c>Required</c>: every request shows a key. <c>Off</c>: none does, which is allowed on loopback addresses only. Default: Off on a loopback address
    /// without <see cref="BootstrapKeyFile"/>, else Required.
    /// </summary>
    public KeyMode? Keys { get; set; }

    /// <summary>A file that holds a key of 32 characters at least, which is an admin's of tenant <c>default</c>, as a mounted secret: the way in to make others. None by default.</summary>
    public string? BootstrapKeyFile { get; set; }

    /// <summary>What clients call it, as <c>https://pictures.example.org</c>: the start of addresses in answers. Default: whatever the client called it.</summary>
    public string? PublicAddress { get; set; }

    /// <summary>
    /// Sites whose pages may call this gateway from a browser, as <c>https://app.example.org</c>. None by default: pages then ask their own server, which asks
    /// the gateway. Without keys such a page may do everything that this machine may.
    /// </summary>
    public IList<string> CorsOrigins { get; init; } = [];

    /// <summary>
    /// So long the addresses of pictures in answers open. Default: 9 minutes; the pictures of requests that somebody waited for are kept for
    /// <c>Jobs:InteractiveKeep</c>.
    /// </summary>
    public TimeSpan AddressValidity { get; set; } = TimeSpan.FromMinutes(9);

    /// <summary>Other names of models, and which model each means: <c>gpt-image-1</c>: <c>Emu3-Gen-hf</c>. None by default.</summary>
    public IDictionary<string, string> ModelAliases { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Outputs that may wait for a worker, of all tenants together, before more are refused with 429. Default: any number.</summary>
    public int? MostQueuedItems { get; set; }

    /// <summary>
    /// Time that answers which are under way when the gateway is told to stop have to finish. Then they end with an error, and the client has to send its
    /// request again. Default: 25 s, so that all is done within the 30 s that Kubernetes gives by default; give the process 5 s more than this.
    /// </summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>
    /// A request that somebody waits for waits so long at most for a model that a worker is loading; then it is refused with 503. Default: 50 s, since many
    /// proxies give up on a silent answer after 60. 0: it is refused at once.
    /// </summary>
    public TimeSpan LoadTimeout { get; set; } = TimeSpan.FromSeconds(50);

    /// <summary>
    /// The gateway's readiness page is 200 only while a worker can run this model; <see cref="AnyModel"/> is any one. Default: none, it is ready without a
    /// worker, since jobs are accepted and wait.
    /// </summary>
    public string? ReadyModel { get; set; }

    /// <summary>
    /// So long the readiness page stays 200 after the cluster has fallen silent, since every gateway loses the same control silo at once, and another takes over
    /// within seconds. Requests meanwhile wait for it, or are answered with 503 and <c>Retry-After</c>. Default: 1 minute; 0 does not wait.
    /// </summary>
    public TimeSpan ReadyGrace { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Shows Orleans' dashboard to admins, at <c>/dashboard</c>: silos, grains, calls, reminders. The silos need <c>Silo:Dashboard</c>. Default: no.
    /// </summary>
    public bool Dashboard { get; set; }

    /// <summary>
    /// A batch that has not ended within its <c>completion_window</c> is cancelled and counts as expired, as OpenAI's are. Default: no, it runs on until all
    /// is done, and the window is a target.
    /// </summary>
    public bool BatchesExpire { get; set; }

    /// <summary>
    /// What holds for batches that do not say (<c>on_invalid_line</c>): true tells a bad line in the error file and runs the others, as vLLM does. Default: no, a bad line
    /// fails the batch, as OpenAI's do.
    /// </summary>
    public bool BatchesReportInvalidLines { get; set; }

    /// <summary>What is wrong with one of <see cref="CorsOrigins"/>; null when nothing is.</summary>
    public static string? ProblemOfOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var address) && (address.Scheme is "http" or "https") && origin == address.GetLeftPart(UriPartial.Authority)
            ? null
            : $"must be scheme, host and port as a browser sends them (https://app.example.org, http://localhost:3000), without a path and without a slash at the end, and is '{origin}'.";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttp)
            yield return new($"must be an http address as http://127.0.0.1:8080, and is '{Address}'.", [nameof(Address)]);
        else if (Keys == KeyMode.Off && !KeyRules.IsLoopback(address)) yield return new(KeyRules.OffElsewhere(address), [nameof(Keys)]);
        if (BootstrapKeyFile is { } file && BootstrapKey.Read(file) is { Problem: { } problem }) yield return new(problem, [nameof(BootstrapKeyFile)]);
        if (PublicAddress is { } called && (!Uri.TryCreate(called, UriKind.Absolute, out var isPublic) || isPublic.Scheme is not ("http" or "https")))
            yield return new($"must be an address as https://pictures.example.org, and is '{called}'.", [nameof(PublicAddress)]);
        if (CorsOrigins.Select(ProblemOfOrigin).FirstOrDefault(wrong => wrong is not null) is { } notOne) yield return new(notOne, [nameof(CorsOrigins)]);
        if (MostQueuedItems < 1) yield return new($"must be 1 or more, and is {MostQueuedItems}.", [nameof(MostQueuedItems)]);
        foreach (var (name, time) in ((string, TimeSpan)[])[(nameof(StopTimeout), StopTimeout), (nameof(LoadTimeout), LoadTimeout), (nameof(ReadyGrace), ReadyGrace)])
            if (time < TimeSpan.Zero || time > TimeSpan.FromHours(1)) yield return new($"must be from 0 to 1 hour, as 00:00:30, and is {time}.", [name]);
        if (AddressValidity <= TimeSpan.Zero || AddressValidity > TimeSpan.FromDays(7))
            yield return new($"must be more than nothing and 7 days at most, and is {AddressValidity}.", [nameof(AddressValidity)]);
    }
}
