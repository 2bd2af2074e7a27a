using System.Text.Json;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Batches;

/// <summary>The body of <c>POST /v1/batches</c>, checked for itself.</summary>
internal sealed record BatchRequest(
    FileId InputFile, string Endpoint, string Window, TimeSpan WindowLength, IReadOnlyDictionary<string, string> Metadata, TimeSpan? OutputLife, string? Webhook,
    bool? ReportsInvalidLines)
{
    public const string Images = "/v1/images/generations";
    public const string Chat = "/v1/chat/completions";
    public const string Responses = "/v1/responses";

    /// <summary>Words of <c>on_invalid_line</c>: a bad line fails the batch, as OpenAI has it, or is that line's error, as vLLM has it.</summary>
    public const string Fail = "fail";
    public const string Report = "report";

    /// <summary>Null when something is wrong, with every error.</summary>
    public static BatchRequest? Read(JsonElement body, List<ItemError> errors)
    {
        var fields = new FieldReader(body, "", errors);
        var file = fields.Text("input_file_id", 256);
        var endpoint = fields.Word("endpoint", Images, Chat, Responses);
        var window = fields.Text("completion_window", 64);
        var metadata = JobRequest.ReadMetadata(fields, errors);
        var life = ReadLife(fields, errors);
        var webhook = JobRequest.ReadWebhook(fields, errors);
        var reports = fields.Choice("on_invalid_line", (Fail, false), (Report, true));
        fields.Close();
        if (!fields.IsObject) return null;
        if (fields.Raw("input_file_id") is null) fields.Error("input_file_id", "is missing.");
        if (fields.Raw("endpoint") is null) fields.Error("endpoint", $"is missing: \"{Images}\", \"{Chat}\" or \"{Responses}\".");
        if (fields.Raw("completion_window") is null) fields.Error("completion_window", $"is missing: it {CompletionWindow.Form}.");
        var length = TimeSpan.Zero;
        if (window is not null && !CompletionWindow.TryParse(window, out length)) fields.Error("completion_window", $"{CompletionWindow.Form}, and is \"{window}\".");
        var id = default(FileId);
        if (file is not null && (!FileId.TryParse(file, out id) || id.Batch is not null))
            fields.Error("input_file_id", "must be the id of a file that was uploaded with the purpose \"batch\".");
        return errors.Count > 0 ? null : new(id, endpoint!, window!, length, metadata, life, webhook, reports);
    }

    private static TimeSpan? ReadLife(FieldReader fields, List<ItemError> errors)
    {
        if (fields.Raw("output_expires_after") is not { } element) return null;
        var life = new FieldReader(element, "output_expires_after", errors);
        life.Choice("anchor", ("created_at", true));
        var seconds = life.Whole("seconds", FileLimits.MinSeconds, FileLimits.MaxSeconds);
        life.Close();
        if (!life.IsObject) return null;
        if (life.Raw("anchor") is null) life.Error("anchor", "is missing: \"created_at\".");
        if (life.Raw("seconds") is null) life.Error("seconds", $"is missing: a whole number from {FileLimits.MinSeconds} to {FileLimits.MaxSeconds}.");
        return seconds is { } count ? TimeSpan.FromSeconds(count) : null;
    }
}
