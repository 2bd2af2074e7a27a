using System.Globalization;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Connections;

namespace Emu3.Gateway;

/// <summary>
/// The one place where failures become HTTP: OpenAI's error shape with all four keys, whatever went wrong. What a client can't mend by asking again
/// is never 409 or 5xx, since OpenAI's SDKs repeat those by themselves; what passes is 503 with a Retry-After that they honour (60 s at most).
/// </summary>
internal static class FailureResponses
{
    private const string Invalid = "invalid_request_error";
    private const string NotFound = "not_found_error";
    private const string Server = "server_error";

    /// <summary>nginx's number for a client that did not wait; nobody reads it, but the access log.</summary>
    private const int ClientClosedRequest = 499;

    /// <summary>The request itself is wrong; the first error is told, and how many more there are.</summary>
    public static FailureResponse BadRequest(IReadOnlyList<ItemError> errors)
    {
        var first = errors[0];
        var more = errors.Count > 1 ? $" (and {errors.Count - 1} more: {string.Join(", ", errors.Skip(1).Select(error => error.Param).Distinct().Take(8))})" : "";
        // Of the whole body nothing but a verb is told.
        var whole = first.Param.Length == 0 && char.IsAsciiLetterLower(first.Message[0]) ? "The body " : "";
        return Error(StatusCodes.Status400BadRequest, Invalid, whole + Sentence(first) + more, NullIfEmpty(first.Param));
    }

    /// <summary>Items of a job are wrong; nothing was created.</summary>
    public static FailureResponse InvalidItems(IReadOnlyList<LineError> errors)
    {
        var first = errors[0];
        var param = $"items[{first.Line - 1}]{(first.Param.Length == 0 ? "" : ".")}{first.Param}";
        var lines = errors.Select(error => error.Line).Distinct().Count();
        return Error(StatusCodes.Status400BadRequest, Invalid,
            $"{lines} item{(lines == 1 ? " is" : "s are")} wrong, and no job was created. The first, line {first.Line}: {Sentence(new(first.Param, first.Message))}",
            param, "invalid_items", errors);
    }

    /// <summary>A line of a batch that can't run, as the request would have been refused by itself.</summary>
    public static FailureResponse LineRefused(string message, string? param, string? code) => Error(StatusCodes.Status400BadRequest, Invalid, message, param, code);

    public static FailureResponse JobNotFound(string job) => Error(StatusCodes.Status404NotFound, NotFound, $"There is no job \"{Short(job)}\".", code: "job_not_found");

    public static FailureResponse FileNotFound(string file) => Error(StatusCodes.Status404NotFound, NotFound, $"There is no file \"{Short(file)}\".", "id", "file_not_found");

    public static FailureResponse BatchNotFound(string batch) => Error(StatusCodes.Status404NotFound, NotFound, $"There is no batch \"{Short(batch)}\".", "id", "batch_not_found");

    /// <summary>The shelf is full.</summary>
    public static FailureResponse TooManyFiles() => Error(StatusCodes.Status400BadRequest, Invalid,
        $"There is no room for another file: about {IFileShelf.PartCount * IFileShelf.MaxFiles} are kept. Delete some.", "file", "too_many_files");

    public static FailureResponse ItemNotFound(string job, int item) =>
        Error(StatusCodes.Status404NotFound, NotFound, $"Job \"{Short(job)}\" has no item {item}.", code: "item_not_found");

    /// <summary>Not 409, which SDKs would repeat at once.</summary>
    public static FailureResponse NoFileYet(int item, ItemStatus status) => Error(StatusCodes.Status404NotFound, NotFound,
        $"Item {item} has no file: its status is {status.ToString().ToLowerInvariant()}.", code: "item_not_done");

    /// <summary>Of a signed address. What exactly is wrong is nobody's business.</summary>
    public static FailureResponse AddressNotValid() => Error(StatusCodes.Status403Forbidden, Invalid,
        "This address is not valid, or not any more. Ask for the picture again.", code: "address_not_valid");

    /// <summary>A gateway without keys is called by a name that is not this machine's.</summary>
    public static FailureResponse WrongHost(string host) => Error(StatusCodes.Status421MisdirectedRequest, Invalid,
        $"Without keys this gateway answers to localhost, loopback addresses and the host of Gateway:PublicAddress only, and the request's Host is \"{Short(host)}\". "
        + "Call it by one of these, configure Gateway:PublicAddress, or ask for keys with Gateway:Keys=Required.", code: "invalid_host");

    /// <summary>A page of another site wants to change something in a gateway without keys.</summary>
    public static FailureResponse CrossSite(string origin) => Error(StatusCodes.Status403Forbidden, Invalid,
        $"Without keys this gateway changes nothing for pages of other sites, and the request's Origin is \"{Short(origin)}\". "
        + "Name the site in Gateway:CorsOrigins, let the page's server ask instead, or ask for keys with Gateway:Keys=Required.", code: "cross_site_request");

    /// <summary>Keys are asked for, and the request shows none.</summary>
    public static FailureResponse KeyMissing() => NoEntry("The request has no API key: send it as \"Authorization: Bearer KEY\".", Challenge);

    /// <summary>No key of that name and secret is known: never which of both is wrong.</summary>
    public static FailureResponse KeyUnknown() => NoEntry("The API key is not valid.", $"{Challenge}, error=\"invalid_token\"");

    /// <summary>The key is one that opened something once.</summary>
    public static FailureResponse KeyEnded(string what) => NoEntry($"The API key {what}.", $"{Challenge}, error=\"invalid_token\"");

    public static FailureResponse NotAdmin() => Error(StatusCodes.Status403Forbidden, Invalid, "Only a key with the role admin may do this.", code: "admin_only");

    public static FailureResponse GrainStateHidden() => Error(
        StatusCodes.Status403Forbidden, Invalid, "The dashboard does not show states of grains: they hold prompts and secrets of every tenant.", code: "state_not_shown");

    public static FailureResponse KeyNotFound(string id) => Error(StatusCodes.Status404NotFound, NotFound, $"There is no key \"{Short(id)}\".", code: "key_not_found");

    public static FailureResponse KeyNotValid(string id) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"Key \"{id}\" was revoked or has expired: make another.", code: "key_not_valid");

    public static FailureResponse KeyRingFull() => Error(StatusCodes.Status400BadRequest, Invalid,
        $"There are {IKeyRing.MaxKeys} keys that are valid: revoke one first.", code: "too_many_keys");

    /// <summary>More at once than ever fits: asking again does not help.</summary>
    public static FailureResponse BeyondBound(int count, string what, int most, string bound) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"The request makes {count} {what}; {bound}: {most}. Ask for fewer at once.", code: "quota_exceeded");

    /// <summary>As much waits as may.</summary>
    public static FailureResponse QueueFull(bool isOfTenant, TimeSpan wait) =>
        TooMuch(isOfTenant ? "The limit of outputs that this key's tenant may have waiting is reached." : "The limit of outputs that may wait in the cluster is reached.", wait);

    public static FailureResponse TooManyImages(int limit, TimeSpan wait) => TooMuch($"This key may ask for {limit} pictures an hour, and has.", wait);

    public static FailureResponse TooManyStreams() => TooMuch("This key holds as many streams open as it may: end one first.", TimeSpan.FromSeconds(5));

    public static FailureResponse FileReleased(int item) => Error(StatusCodes.Status410Gone, NotFound,
        $"The file of item {item} is not stored any more: it was released, or a backup was restored that is older than it. The same line with the same seed gives it again.",
        code: "content_released");

    public static FailureResponse NotEnded(string job) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"Job \"{job}\" has not ended. Cancel it first, then delete it.", code: "job_not_ended");

    /// <summary>The job's state forbids what was asked for. Not 409, which SDKs would repeat at once.</summary>
    public static FailureResponse InvalidVerb(InvalidJobVerbException refused, JobSnapshot job) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"{refused.Message} Allowed now: {string.Join(", ", Jobs.AllowedVerbs.Of(job))}.", code: "invalid_job_state");

    /// <summary>There is nobody to tell.</summary>
    public static FailureResponse NoWebhook(string id) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"\"{id}\" has no webhook: it is named when a job or a batch is made.", code: "no_webhook");

    /// <summary>There is nothing to tell.</summary>
    public static FailureResponse NothingToDeliver(string id) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"\"{id}\" has not ended: its webhook has nothing to tell yet.", code: "job_not_ended");

    public static FailureResponse WorkerNotFound(string device, IEnumerable<string> quarantined) => Error(StatusCodes.Status404NotFound, NotFound,
        $"There is no device \"{Short(device)}\". Quarantined: {(string.Join(", ", quarantined) is { Length: > 0 } names ? names : "none")}.", code: "worker_not_found");

    public static FailureResponse ModelNotFound(string? model, IEnumerable<string> known) => Error(StatusCodes.Status404NotFound, Invalid,
        $"There is no model \"{Short(model ?? "")}\". There are: {string.Join(", ", known)}.", "model", "model_not_found");

    /// <summary>Which of several models is meant?</summary>
    public static FailureResponse ModelMissing(IEnumerable<string> known) => Error(StatusCodes.Status400BadRequest, Invalid,
        $"model: is missing, and there are several: {string.Join(", ", known)}.", "model");

    /// <summary>The cluster knows no model yet.</summary>
    public static FailureResponse NoModel() => Error(StatusCodes.Status503ServiceUnavailable, Server,
        "No worker has loaded a model yet. Try again soon.", code: CodeOf(FailureCode.NoWorker)) with
    { RetryAfter = 5 };

    /// <summary>Nobody can run the model of a request that somebody waits for, and nobody is about to.</summary>
    public static FailureResponse NoWorker(string? model) => Error(StatusCodes.Status503ServiceUnavailable, Server,
        $"No worker has {(model is null ? "a model" : $"the model \"{Short(model)}\"")} loaded, and none is loading it. "
        + "A job (POST /v1/jobs) would wait for one; this request can be tried again when one is there.", code: CodeOf(FailureCode.NoWorker)) with
    { RetryAfter = 5 };

    /// <summary>The model will be there, but not soon enough for someone who waits.</summary>
    public static FailureResponse StillLoading(LoadingWorker worker)
    {
        var seconds = RetryAfterOf(worker.Remaining ?? TimeSpan.FromSeconds(15));
        var estimate = worker.Remaining is { } remaining ? $" It should be there in about {InWords(remaining)}." : "";
        return Error(StatusCodes.Status503ServiceUnavailable, Server,
            $"The model \"{Short(worker.Info?.Name ?? worker.Model)}\" is still being loaded: {worker.Progress}.{estimate} Try again in {seconds} s.", code: "model_loading") with
        { RetryAfter = seconds };
    }

    /// <summary>A request that comes while the gateway stops.</summary>
    public static FailureResponse Stopping() => Error(StatusCodes.Status503ServiceUnavailable, Server,
        "The gateway is stopping and takes no more requests. Send the request again: to another gateway, or to this one when it is back.", code: "gateway_stopping") with
    { RetryAfter = StopRetryAfter };

    /// <summary>A request that was not finished when the gateway had to stop.</summary>
    public static FailureResponse CutOff() => Error(StatusCodes.Status503ServiceUnavailable, Server,
        "The gateway had to stop before this answer was complete. Send the request again. "
        + "Under an Idempotency-Key it goes on with what was made so far.", code: "gateway_stopping") with
    { RetryAfter = StopRetryAfter };

    public static FailureResponse WrongContentType(params ReadOnlySpan<string> allowed) => Error(StatusCodes.Status415UnsupportedMediaType, Invalid,
        $"Content-Type must be {string.Join(" or ", allowed.ToArray())}.", code: "unsupported_media_type");

    /// <summary>An item failed that someone waits for.</summary>
    public static FailureResponse Of(ItemFailure failure) =>
        Error(StatusOf(failure.Code), failure.Code < FailureCode.NoWorker ? Invalid : Server, failure.Message, code: CodeOf(failure.Code)) with
        {
            RetryAfter = failure.Code is FailureCode.NoWorker or FailureCode.DeviceOutOfMemory ? 5 : null,
        };

    /// <summary>An item was cancelled that someone waits for: not by the one who waits, or nobody would read this.</summary>
    public static FailureResponse Cancelled() =>
        Error(StatusCodes.Status503ServiceUnavailable, Server, "The request was cancelled inside the cluster.", code: "cancelled") with { RetryAfter = 1 };

    /// <summary>The name of a failure on the wire.</summary>
    public static string CodeOf(FailureCode code) => code switch
    {
        FailureCode.InvalidRequest => "invalid_request",
        FailureCode.PromptTooLong => "context_length_exceeded",
        FailureCode.SizeNotSupported => "size_not_supported",
        FailureCode.PictureNotReadable => "image_not_readable",
        FailureCode.ModelNotFound => "model_not_found",
        FailureCode.NotSupportedByModel => "not_supported_by_model",
        FailureCode.JobNotFound => "job_not_found",
        FailureCode.ItemNotFound => "item_not_found",
        FailureCode.IdempotencyConflict => "idempotency_conflict",
        FailureCode.NoWorker => "no_worker",
        FailureCode.DeviceOutOfMemory => "device_out_of_memory",
        FailureCode.Poisoned => "item_poisoned",
        FailureCode.EngineFailed => "engine_failed",
        _ => "failed",
    };

    private static int StatusOf(FailureCode code) => code switch
    {
        FailureCode.ModelNotFound or FailureCode.JobNotFound or FailureCode.ItemNotFound => StatusCodes.Status404NotFound,
        FailureCode.IdempotencyConflict or FailureCode.Poisoned => StatusCodes.Status422UnprocessableEntity,
        FailureCode.NoWorker or FailureCode.DeviceOutOfMemory => StatusCodes.Status503ServiceUnavailable,
        FailureCode.EngineFailed => StatusCodes.Status500InternalServerError,
        _ => StatusCodes.Status400BadRequest,
    };

    /// <summary>What an exception says to a client. Bugs say nothing but that they are: their text may hold what is nobody's business.</summary>
    public static FailureResponse Of(Exception exception) => exception switch
    {
        JobNotFoundException e => Error(StatusCodes.Status404NotFound, NotFound, e.Message, code: CodeOf(FailureCode.JobNotFound)),
        InvalidJobVerbException e => Error(StatusCodes.Status400BadRequest, Invalid, e.Message, code: "invalid_job_state"),
        IdempotencyConflictException e => Error(StatusCodes.Status422UnprocessableEntity, Invalid, e.Message, code: CodeOf(FailureCode.IdempotencyConflict)),
        Jobs.MalformedBodyException e => Error(e.StatusCode, Invalid, e.Message, e.Param, CodeOf(e.StatusCode)),
        // The server's own: of lengths, chunks, and clients that go away.
        BadHttpRequestException e => Error(e.StatusCode, Invalid, $"The body did not arrive as it should: {e.Message}", code: CodeOf(e.StatusCode)),
        GatewayStoppedException => CutOff(),
        Jobs.AnswerChangedException e => Error(StatusCodes.Status503ServiceUnavailable, Server, e.Message, code: "answer_changed") with { RetryAfter = 1 },
        OperationCanceledException or ConnectionResetException => Error(ClientClosedRequest, Invalid, "The client did not wait for the answer.", code: "cancelled"),
        _ when ClusterCalls.IsOfTheStore(exception) || exception is IOException => Error(StatusCodes.Status503ServiceUnavailable, Server,
            "The cluster's store does not answer, or has no room. The request may be repeated.", code: "storage_unavailable") with
        { RetryAfter = 5 },
        _ when ClusterCalls.IsTransient(exception) => Error(StatusCodes.Status503ServiceUnavailable, Server,
            exception is ClusterNotReadyException ? "The gateway has no connection to the cluster yet." : "The cluster did not answer in time.",
            code: "cluster_unavailable") with
        { RetryAfter = 2 },
        _ => Error(StatusCodes.Status500InternalServerError, Server, "Something went wrong inside; the log has it under this request's x-request-id.", code: "internal_error"),
    };

    private static string? CodeOf(int status) => status == StatusCodes.Status413PayloadTooLarge ? "request_too_large" : null;

    /// <summary>A body for an answer that routing or the server left without one.</summary>
    public static FailureResponse OfStatus(int status, HttpRequest request) => status switch
    {
        StatusCodes.Status404NotFound => Error(status, NotFound, $"There is nothing at {request.Method} {Short(request.Path)}. {UnservedRoutes.Remedy(request.Path)}", code: "unknown_url"),
        StatusCodes.Status405MethodNotAllowed => Error(status, Invalid, $"{request.Method} is not allowed at {Short(request.Path)}.", code: "method_not_allowed"),
        StatusCodes.Status413PayloadTooLarge => Error(status, Invalid, "The request is too large.", code: "request_too_large"),
        StatusCodes.Status415UnsupportedMediaType => WrongContentType("application/json"),
        StatusCodes.Status412PreconditionFailed => Error(status, Invalid, "The file is not as the request's If-Match or If-Unmodified-Since asks.", code: "precondition_failed"),
        StatusCodes.Status416RangeNotSatisfiable => Error(status, Invalid, "The file has nothing of the request's Range.", "Range", "range_not_satisfiable"),
        >= 500 => Error(status, Server, "Something went wrong inside."),
        _ => Error(status, Invalid, $"The request was refused with status {status}."),
    };

    /// <summary>Gives every answer without a body one, and every exception an answer.</summary>
    public static async Task Handle(HttpContext http, RequestDelegate next, ILogger logger)
    {
        try
        {
            await next(http);
            // A file that is asked for by ranges or under conditions has its headers by now, but no body.
            if (!http.Response.HasStarted && http.Response is { StatusCode: >= 400 } and ({ ContentLength: 0 } or { ContentLength: null, ContentType: null }))
            {
                (http.Response.ContentLength, http.Response.Headers.ContentDisposition) = (null, default);
                await OfStatus(http.Response.StatusCode, http.Request).ExecuteAsync(http);
            }
        }
        catch (Exception exception)
        {
            Log(exception, http, logger);
            if (http.Response.HasStarted)
            {
                // The status is out: all that can still be said is that the answer has no proper end.
                http.Abort();
                return;
            }
            http.Response.Clear();
            http.Response.Headers["x-request-id"] = http.TraceIdentifier;
            await Of(exception).ExecuteAsync(http);
        }
    }

    /// <summary>Only what an operator can do something about.</summary>
    public static void Log(Exception exception, HttpContext http, ILogger logger)
    {
        if (exception is OperationCanceledException or ConnectionResetException or BadHttpRequestException or JobNotFoundException or IdempotencyConflictException or InvalidJobVerbException or GatewayStoppedException) return;
        if (ClusterCalls.IsTransient(exception)) GatewayLog.ClusterUnavailable(logger, http.Request.Path, exception.Message);
        else GatewayLog.RequestFailed(logger, http.TraceIdentifier, http.Request.Method, http.Request.Path, exception);
    }

    private const string Challenge = "Bearer realm=\"emu3\"";

    /// <summary>
    /// OpenAI's client for Node ignores a Retry-After above 60 s and comes back within 8 s (the one for Python: above 120 s). Both repeat twice by default, so
    /// a longer wait is told in words beside it.
    /// </summary>
    internal const int LongestRetryAfter = 60;

    /// <summary>Time for a gateway to be replaced by another, or to be started again.</summary>
    private const int StopRetryAfter = 5;

    private static FailureResponse TooMuch(string message, TimeSpan wait)
    {
        var seconds = RetryAfterOf(wait);
        var more = wait.TotalSeconds > LongestRetryAfter ? $" There should be room in about {InWords(wait)}." : "";
        return Error(StatusCodes.Status429TooManyRequests, "rate_limit_error", $"{message}{more} Try again in {seconds} s.", code: "rate_limit_exceeded") with { RetryAfter = seconds };
    }

    private static int RetryAfterOf(TimeSpan wait) => (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, LongestRetryAfter);

    private static string InWords(TimeSpan time)
    {
        var (count, unit) = time.TotalSeconds < 90 ? (time.TotalSeconds, "s") : time.TotalMinutes < 90 ? (time.TotalMinutes, "min") : (time.TotalHours, "h");
        return string.Create(CultureInfo.InvariantCulture, $"{count:0} {unit}");
    }

    private static FailureResponse NoEntry(string message, string challenge) =>
        Error(StatusCodes.Status401Unauthorized, Invalid, message, code: "invalid_api_key") with { Challenge = challenge };

    private static FailureResponse Error(
        int status, string type, string message, string? param = null, string? code = null, IReadOnlyList<LineError>? lines = null) =>
        new(status, new() { Message = message, Type = type, Param = param, Code = code, LineErrors = lines });

    private static string Sentence(ItemError error) => error.Param.Length == 0 ? error.Message : $"{error.Param}: {error.Message}";

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static string Short(string text) => text.Length <= 100 ? text : $"{text[..97]}…";
}

/// <summary>A failure as HTTP tells it; inside a stream, whose status is out already, only the body is told.</summary>
internal sealed record FailureResponse(int Status, ErrorBody Body) : IResult
{
    /// <summary>Seconds after which the same request may do better; null when it never will.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>What a client that shows no valid key is asked for; null where that is not what is wrong.</summary>
    public string? Challenge { get; init; }

    public ErrorAnswer Answer => new(Body);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (Challenge is not null) httpContext.Response.Headers.WWWAuthenticate = Challenge;
        if (RetryAfter is { } seconds) httpContext.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return Results.Json(Answer, GatewayJson.Options, statusCode: Status).ExecuteAsync(httpContext);
    }
}
