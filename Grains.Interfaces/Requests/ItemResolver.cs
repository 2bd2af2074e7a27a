using System.Globalization;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>What an item is resolved against.</summary>
public sealed record ResolveContext
{
    public required ModelInfo Model { get; init; }

    /// <summary>Items without a seed derive theirs from it.</summary>
    public required ulong JobSeed { get; init; }

    /// <summary>What items leave out and the job says.</summary>
    public ItemRequest Defaults { get; init; } = ItemRequest.Empty;

    /// <summary>Other names that models go by, and which they mean.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; init; } = new Dictionary<string, string>();

    /// <summary>Where pictures of requests will be in the blob store.</summary>
    public required Func<RequestPicture, string> KeyOf { get; init; }
}

/// <summary>Either specs, one a sample, or errors.</summary>
/// <param name="Specs">What is to be made.</param>
/// <param name="Pictures">That came with the request.</param>
/// <param name="Errors">What is wrong with it.</param>
/// <param name="TextField">See <see cref="ItemRequest.TextField"/>.</param>
public sealed record ItemResolution(IReadOnlyList<ItemSpec> Specs, IReadOnlyList<RequestPicture> Pictures, IReadOnlyList<ItemError> Errors, string TextField);

/// <summary>
/// Turns an item into specs with nothing left open: every default is filled in here and nowhere later, so what is stored with a job means the same
/// for ever. Pure: the same request and context give the same specs, wherever the item stands in its job.
/// </summary>
public static class ItemResolver
{
    /// <summary>Resolves one item. Its number in the job, from 1, is its id when it brings none.</summary>
    public static ItemResolution Resolve(ItemRequest request, int line, ResolveContext context)
    {
        var errors = new List<ItemError>();
        var whole = request.Over(context.Defaults);
        if (!IsFor(context.Model, whole.Model is { } named ? context.Aliases.GetValueOrDefault(named, named) : null))
            errors.Add(new("model", $"is \"{whole.Model}\", and the job runs on \"{context.Model.Name}\"."));
        var image = whole.IsImage == true ? ResolveImage(whole, context.Model, errors) : null;
        var chat = whole.IsImage == false ? ResolveChat(whole, context, errors) : null;
        if (whole.IsImage is null) errors.Add(new("prompt", "is missing: an item has a prompt, an image and a question, or messages."));
        if (errors.Count > 0) return new([], [], errors, whole.TextField);

        var id = whole.Id ?? line.ToString(CultureInfo.InvariantCulture);
        var sampling = image is not null ? ImageSampling(whole, context.Model) : ChatSampling(whole);
        var specs = new ItemSpec[whole.SampleCount ?? 1];
        for (var i = 0; i < specs.Length; i++)
        {
            var sample = (whole.FirstSample ?? 0) + (uint)i;
            specs[i] = new()
            {
                Id = id,
                SampleIndex = sample,
                Seed = whole.Seed ?? DerivedSeed.Of(context.JobSeed, id, sample),
                Sampling = sampling,
                Image = image,
                Chat = chat,
            };
        }
        return new(specs, chat is null ? [] : [.. PicturesOf(TurnsOf(whole))], [], whole.TextField);
    }

    /// <summary>Whether a request that names a model means this one. Names with an owner in front (<c>BAAI/Emu3-Gen-hf</c>) mean the same.</summary>
    public static bool IsFor(ModelInfo model, string? name) =>
        name is null || string.Equals(name[(name.LastIndexOf('/') + 1)..], model.Name, StringComparison.OrdinalIgnoreCase);

    private static ImageSpec? ResolveImage(ItemRequest request, ModelInfo model, List<ItemError> errors)
    {
        if (!model.CanDraw)
        {
            errors.Add(new("prompt", $"asks for a picture, and \"{model.Name}\" can't draw."));
            return null;
        }
        var size = request.Size is { } pixels
            ? LatentSize.OfPixels(pixels, model.ImageArea, model.SpatialFactor)
            : LatentSize.Of(request.Ratio ?? AspectRatio.Square, request.Area ?? model.ImageArea, model.SpatialFactor);
        if (size.MinPositions > model.MaxPositions)
        {
            var field = request.Size is not null ? "size" : request.Area is not null ? "area" : "ratio";
            errors.Add(new(field, $"gives {size.InPixels(model.SpatialFactor)} pixels, {size.Height}x{size.Width} latent cells: that takes at least {size.MinPositions} positions, and \"{model.Name}\" has {model.MaxPositions}."));
        }
        var drawn = size.InPixels(model.SpatialFactor);
        if (request is { IsSizeExact: true, Size: { } asked } && drawn != asked.InPixels)
            errors.Add(new("size", $"is {asked.InPixels}, and \"{model.Name}\" draws {drawn} instead, the nearest that it was trained for: ask for that, or leave out size_policy."));
        var prompt = request.Prompt + (request.PromptSuffix ?? model.PromptSuffix);
        CheckLength(prompt.Length + (request.NegativePrompt?.Length ?? 0), "prompt", errors);
        return new()
        {
            Prompt = prompt,
            NegativePrompt = request.NegativePrompt ?? model.NegativePrompt,
            GuidanceScale = request.GuidanceScale ?? model.GuidanceScale,
            LatentHeight = size.Height,
            LatentWidth = size.Width,
            Format = request.OutputFormat ?? PictureFormat.Png,
            Quality = Math.Max(1, request.OutputCompression ?? 95),
            EmbedRecipe = request.EmbedRecipe ?? true,
        };
    }

    private static ChatSpec? ResolveChat(ItemRequest request, ResolveContext context, List<ItemError> errors)
    {
        var model = context.Model;
        if (!model.CanChat)
        {
            errors.Add(new(request.TextField, $"asks for text, and \"{model.Name}\" can't chat."));
            return null;
        }
        if (request.Turns is null && string.IsNullOrEmpty(request.Question)) errors.Add(new("question", "is missing."));
        if (request.MaxNewTokens >= model.MaxPositions)
            errors.Add(new(request.MaxNewTokensField, $"is {request.MaxNewTokens}, and \"{model.Name}\" has {model.MaxPositions} positions for prompt and answer."));
        var turns = TurnsOf(request);
        var pictureCount = PicturesOf(turns).Count();
        if (pictureCount > RequestLimits.Pictures)
            errors.Add(new(request.Turns is null ? "image" : request.TurnsField, $"has {pictureCount} pictures; {RequestLimits.Pictures} are allowed."));
        CheckLength(turns.Sum(turn => turn.Parts.Sum(part => part.Text?.Length ?? 0)), request.TextField, errors);
        return new()
        {
            Turns = [.. turns.Select(turn => new ChatTurn(turn.Role, [.. turn.Parts.Select(part =>
                new ChatTurnPart(part.Text, part.Picture is { } picture ? context.KeyOf(picture) : null))]))],
            // Half of a small model's positions stay for the question, since an answer that might not fit is refused.
            MaxNewTokens = request.MaxNewTokens ?? Math.Min(RequestLimits.DefaultNewTokens, model.MaxPositions / 2),
            Stop = request.Stop is { Count: > 0 } ? request.Stop : null,
        };
    }

    /// <summary>A question is one turn: its pictures, then its text.</summary>
    private static IReadOnlyList<RequestTurn> TurnsOf(ItemRequest request) => request.Turns ??
        [new("user", [.. (request.Pictures ?? []).Select(picture => new RequestPart(null, picture)), new(request.Question ?? "", null)])];

    private static IEnumerable<RequestPicture> PicturesOf(IReadOnlyList<RequestTurn> turns) =>
        turns.SelectMany(turn => turn.Parts).Select(part => part.Picture).OfType<RequestPicture>();

    private static SamplingSpec ImageSampling(ItemRequest request, ModelInfo model) => new(
        request.Temperature ?? model.ImageSampling.Temperature, request.TopK ?? model.ImageSampling.TopK, request.TopP ?? model.ImageSampling.TopP);

    /// <summary>Greedy unless asked; a question that names a top-k or top-p without a temperature wants to draw.</summary>
    private static SamplingSpec ChatSampling(ItemRequest request) => new(
        request.Temperature ?? (request.TopK is null && request.TopP is null ? 0 : 1), request.TopK ?? 0, request.TopP ?? 1);

    private static void CheckLength(int length, string field, List<ItemError> errors)
    {
        if (length > RequestLimits.ItemTextLength)
            errors.Add(new(field, $"has {length} characters in all; {RequestLimits.ItemTextLength} are allowed."));
    }
}
