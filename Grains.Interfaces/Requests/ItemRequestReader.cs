using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Reads an item from JSON in any of its three forms: a picture to draw (<c>prompt</c>), a question (<c>image</c> and <c>question</c>, or
/// <c>messages</c>), a line of an OpenAI batch (<c>custom_id</c>, <c>method</c>, <c>url</c>, <c>body</c>). Never throws for what the JSON holds.
/// </summary>
public static class ItemRequestReader
{
    /// <summary>Reads one item of a job.</summary>
    public static ItemRequest ReadItem(JsonElement element, List<ItemError> errors)
    {
        var fields = new FieldReader(element, "", errors);
        if (!fields.IsObject) return ItemRequest.Empty;
        if (Has("body") || Has("custom_id") || Has("url")) return ReadBatchLine(fields, errors);
        return Has("image") || Has("question") || Has("messages") ? ReadQuestion(fields, errors) : ReadPicture(fields);

        bool Has(string field) => element.TryGetProperty(field, out _);
    }

    /// <summary>Reads a job's <c>defaults</c>: what any item may leave out.</summary>
    public static ItemRequest ReadDefaults(JsonElement element, List<ItemError> errors)
    {
        var fields = new FieldReader(element, "defaults", errors);
        var defaults = DrawingFields(fields, SamplingFields(fields, ItemRequest.Empty)) with
        {
            Question = fields.Text("question", RequestLimits.TextLength),
            MaxNewTokens = MaxNewTokens(fields, "max_tokens"),
            Stop = Stop(fields),
        };
        fields.Close();
        return defaults;
    }

    private static ItemRequest ReadPicture(FieldReader fields)
    {
        var request = DrawingFields(fields, SamplingFields(fields, new() { Id = Id(fields, "id"), Prompt = Prompt(fields) }));
        fields.Close();
        return request;
    }

    private static ItemRequest ReadQuestion(FieldReader fields, List<ItemError> errors)
    {
        var request = SamplingFields(fields, new()
        {
            Id = Id(fields, "id"),
            Pictures = fields.Raw("image") is { } image ? PictureReader.ReadAll(image, fields.PathOf("image"), errors) : null,
            Question = fields.Text("question", RequestLimits.TextLength),
            Turns = fields.Raw("messages") is { } messages ? MessageReader.Read(messages, fields.PathOf("messages"), errors) : null,
            MaxNewTokens = MaxNewTokens(fields, "max_tokens"),
            Stop = Stop(fields),
        });
        if (request.Turns is not null && (request.Pictures is not null || request.Question is not null))
            fields.Error("messages", "stands alone: put picture and question into the messages, or leave messages out.");
        fields.Close();
        return request;
    }

    private static ItemRequest ReadBatchLine(FieldReader fields, List<ItemError> errors)
    {
        var id = Id(fields, "custom_id");
        if (id is null) fields.Error("custom_id", "is missing.");
        if (fields.Text("method", 16) is not (null or "POST")) fields.Error("method", "must be \"POST\".");
        var endpoint = fields.Word("url", "/v1/images/generations", "/v1/chat/completions", "/v1/responses");
        if (fields.Raw("url") is null) fields.Error("url", "is missing: \"/v1/images/generations\", \"/v1/chat/completions\" or \"/v1/responses\".");
        var body = fields.Raw("body");
        if (body is null) fields.Error("body", "is missing.");
        fields.Close();
        if (body is not { } given || endpoint is null) return new() { Id = id };
        var inner = new FieldReader(given, "body", errors);
        var request = endpoint switch
        {
            "/v1/images/generations" => OpenAiBodies.ReadImage(inner, isAnsweredInPlace: false),
            "/v1/responses" => ResponseRequest.Read(inner, errors).Item,
            _ => OpenAiBodies.ReadChat(inner, errors),
        };
        return request with { Id = id };
    }

    internal static string? Id(FieldReader fields, string field)
    {
        if (fields.Text(field, RequestLimits.IdLength) is not { } id) return null;
        if (id.Length > 0 && !id.Any(char.IsControl)) return id;
        fields.Error(field, "must have at least one character and no control characters.");
        return null;
    }

    internal static string? Prompt(FieldReader fields)
    {
        var prompt = fields.Text("prompt", RequestLimits.TextLength);
        if (fields.IsObject && fields.Raw("prompt") is null) fields.Error("prompt", "is missing.");
        else if (prompt is not null && string.IsNullOrWhiteSpace(prompt)) fields.Error("prompt", "is empty.");
        return prompt;
    }

    internal static int? MaxNewTokens(FieldReader fields, string field) => fields.Whole(field, 1, 1 << 20);

    internal static IReadOnlyList<string>? Stop(FieldReader fields) => fields.Texts("stop", RequestLimits.StopCount, RequestLimits.StopLength);

    /// <summary>What both kinds of items know.</summary>
    internal static ItemRequest SamplingFields(FieldReader fields, ItemRequest request) => request with
    {
        Seed = fields.Seed("seed"),
        FirstSample = (uint?)fields.Whole("sample", 0, int.MaxValue),
        Temperature = fields.Number("temperature", 0, RequestLimits.Temperature),
        TopK = fields.Whole("top_k", -1, int.MaxValue) is { } count ? Math.Max(count, 0) : null, // −1 is vLLM's word for all, 0 transformers'
        TopP = fields.Number("top_p", 0, 1, isLeastIncluded: false),
    };

    /// <summary>What pictures to draw know besides their prompt.</summary>
    internal static ItemRequest DrawingFields(FieldReader fields, ItemRequest request)
    {
        var drawing = request with
        {
            NegativePrompt = fields.Text("negative_prompt", RequestLimits.TextLength),
            PromptSuffix = fields.Text("prompt_suffix", RequestLimits.TextLength),
            SampleCount = fields.Whole("n", 1, RequestLimits.Samples),
            Ratio = Shape(fields, "ratio", "two whole numbers with a colon, as \"4:3\"", AspectRatio.TryParse),
            Size = Shape(fields, "size", "width and height in pixels, as \"1024x768\", or \"auto\"", AspectRatio.TryParseSize),
            Area = fields.Whole("area", 1, 1 << 26),
            IsSizeExact = fields.Choice("size_policy", ("nearest", false), ("exact", true)),
            GuidanceScale = fields.Number("guidance_scale", 0, RequestLimits.GuidanceScale),
            OutputFormat = fields.Choice("output_format", ("png", PictureFormat.Png), ("jpeg", PictureFormat.Jpeg), ("webp", PictureFormat.Webp)),
            OutputCompression = fields.Whole("output_compression", 0, 100),
            EmbedRecipe = fields.Flag("embed_recipe"),
        };
        if (drawing.Size is not null && (drawing.Ratio is not null || drawing.Area is not null))
            fields.Error("size", "says both shape and area: leave out ratio and area, or size.");
        return drawing;
    }

    private delegate bool TryParse(string? text, out AspectRatio ratio);

    /// <summary>"auto" is OpenAI's word for "not said".</summary>
    private static AspectRatio? Shape(FieldReader fields, string field, string form, TryParse parse)
    {
        if (fields.Text(field, 64) is not { } text || text == "auto") return null;
        if (parse(text, out var shape)) return shape;
        fields.Error(field, $"must be {form}, each from 1 to {AspectRatio.Largest}, and is \"{text}\".");
        return null;
    }
}
