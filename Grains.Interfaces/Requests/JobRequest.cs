using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>The job object that a submission begins with, as it was written: null is "not said".</summary>
public sealed record JobRequest
{
    /// <summary>Pairs of metadata, as OpenAI has it.</summary>
    public const int MaxPairs = 16;

    /// <summary>Characters of the name of one.</summary>
    public const int LongestPairName = 64;

    public string? Model { get; init; }
    public ulong? Seed { get; init; }
    public JobPriority Priority { get; init; } = JobPriority.Normal;
    public int? MaxFailures { get; init; }
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
    public ItemRequest Defaults { get; init; } = ItemRequest.Empty;

    /// <summary>Where the job's end is told, as it was written; whether that is allowed, the cluster says.</summary>
    public string? Webhook { get; init; }

    /// <summary>Reads the object. A field <c>items</c> is passed over: whoever reads a whole document takes the items from it.</summary>
    public static JobRequest Read(JsonElement element, List<ItemError> errors)
    {
        var fields = new FieldReader(element, "", errors);
        var request = new JobRequest
        {
            Model = fields.Text("model", 256),
            Seed = fields.Seed("seed"),
            Priority = fields.Choice("priority", ("high", JobPriority.High), ("normal", JobPriority.Normal), ("low", JobPriority.Low)) ?? JobPriority.Normal,
            MaxFailures = fields.Whole("max_failures", 0, int.MaxValue),
            Metadata = ReadMetadata(fields, errors),
            Defaults = fields.Raw("defaults") is { } defaults ? ItemRequestReader.ReadDefaults(defaults, errors) : ItemRequest.Empty,
            Webhook = ReadWebhook(fields, errors),
        };
        fields.Ignore("items");
        fields.Close();
        return request;
    }

    /// <summary>Reads <c>webhook</c>: an object with a <c>url</c>.</summary>
    public static string? ReadWebhook(FieldReader fields, List<ItemError> errors)
    {
        if (fields.Raw("webhook") is not { } element) return null;
        var webhook = new FieldReader(element, fields.PathOf("webhook"), errors);
        var url = webhook.Text("url", RequestLimits.WebhookUrlLength);
        if (webhook.IsObject && webhook.Raw("url") is null) webhook.Error("url", "is missing: an address as \"https://example.org/emu3\".");
        webhook.Close();
        return url;
    }

    /// <summary>Reads <c>metadata</c>. Limits as OpenAI has them: 16 pairs, keys of 64 and values of 512 characters.</summary>
    public static IReadOnlyDictionary<string, string> ReadMetadata(FieldReader fields, List<ItemError> errors)
    {
        var metadata = new Dictionary<string, string>();
        if (fields.Raw("metadata") is not { } element) return metadata;
        var pairs = new FieldReader(element, fields.PathOf("metadata"), errors);
        if (!pairs.IsObject) return metadata;
        if (element.GetPropertyCount() > MaxPairs)
        {
            fields.Error("metadata", $"has {element.GetPropertyCount()} pairs; {MaxPairs} are allowed.");
            return metadata;
        }
        foreach (var pair in element.EnumerateObject())
        {
            if (pair.Name.Length > LongestPairName) fields.Error("metadata", $"has a key of {pair.Name.Length} characters; {LongestPairName} are allowed.");
            else if (pairs.Text(pair.Name, 512) is { } value) metadata[pair.Name] = value;
        }
        return metadata;
    }
}
