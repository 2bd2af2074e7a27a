namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// One item as its submitter wrote it, checked for itself and not yet resolved: null is "not said". All three wire forms end here
/// (a picture to draw, a question, a batch line of OpenAI's), and so do a job's defaults.
/// </summary>
public sealed record ItemRequest
{
    public static ItemRequest Empty { get; } = new();

    /// <summary>The submitter's name for it; the number of its line where it has none.</summary>
    public string? Id { get; init; }

    /// <summary>The model that it asks for; only batch lines say.</summary>
    public string? Model { get; init; }

    /// <summary>Draws a picture when set.</summary>
    public string? Prompt { get; init; }

    /// <summary>"" is an empty text, null the checkpoint's own.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Appended to the prompt; "" is none, null the checkpoint's own.</summary>
    public string? PromptSuffix { get; init; }
    public ulong? Seed { get; init; }

    /// <summary>Outputs of this item.</summary>
    public int? SampleCount { get; init; }

    /// <summary>Number of the first output: with its seed it makes the same output again.</summary>
    public uint? FirstSample { get; init; }

    /// <summary>Not together with <see cref="Size"/>.</summary>
    public AspectRatio? Ratio { get; init; }

    /// <summary>Pixels. Not together with <see cref="Ratio"/> and <see cref="Area"/>.</summary>
    public AspectRatio? Size { get; init; }

    /// <summary>Pixels of the picture.</summary>
    public int? Area { get; init; }

    /// <summary><see cref="Size"/> is refused where it can't be drawn as it is, instead of giving the nearest that can.</summary>
    public bool? IsSizeExact { get; init; }
    public double? GuidanceScale { get; init; }
    public double? Temperature { get; init; }
    public int? TopK { get; init; }
    public double? TopP { get; init; }
    public PictureFormat? OutputFormat { get; init; }

    /// <summary>0–100, as OpenAI counts it: 100 is the best picture.</summary>
    public int? OutputCompression { get; init; }
    public bool? EmbedRecipe { get; init; }

    /// <summary>Answers in text when set; a question about pictures is one turn.</summary>
    public IReadOnlyList<RequestTurn>? Turns { get; init; }

    /// <summary>What the request calls its turns, for errors about them: <c>messages</c> of a chat body, <c>input</c> of a response's.</summary>
    public string TurnsField { get; init; } = "messages";

    /// <summary>Pictures of a question, and the question: they become one turn when they meet (a job's default question asks of every picture).</summary>
    public IReadOnlyList<RequestPicture>? Pictures { get; init; }
    public string? Question { get; init; }
    public int? MaxNewTokens { get; init; }

    /// <summary>What the request calls <see cref="MaxNewTokens"/>, for errors about it.</summary>
    public string MaxNewTokensField { get; init; } = "max_tokens";

    /// <summary>Strings that end an answer; none of them is "no stops, whatever the job says".</summary>
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>What is to come out; null when the request does not show it.</summary>
    public bool? IsImage => Prompt is not null ? true : Turns is not null || Pictures is not null || Question is not null ? false : null;

    /// <summary>The field whose text the item is made of, for errors about all of it.</summary>
    public string TextField => IsImage == true ? "prompt" : Turns is null ? "question" : TurnsField;

    /// <summary>This request with what it leaves out taken from the job's defaults. Size stands for ratio and area, and these for it.</summary>
    public ItemRequest Over(ItemRequest defaults) => this with
    {
        NegativePrompt = NegativePrompt ?? defaults.NegativePrompt,
        PromptSuffix = PromptSuffix ?? defaults.PromptSuffix,
        Seed = Seed ?? defaults.Seed,
        SampleCount = SampleCount ?? (IsImage == true ? defaults.SampleCount : null),
        FirstSample = FirstSample ?? defaults.FirstSample,
        Ratio = Ratio ?? (Size is null ? defaults.Ratio : null),
        Size = Size ?? (Ratio is null && Area is null ? defaults.Size : null),
        Area = Area ?? (Size is null ? defaults.Area : null),
        IsSizeExact = IsSizeExact ?? defaults.IsSizeExact,
        GuidanceScale = GuidanceScale ?? defaults.GuidanceScale,
        Temperature = Temperature ?? defaults.Temperature,
        TopK = TopK ?? defaults.TopK,
        TopP = TopP ?? defaults.TopP,
        OutputFormat = OutputFormat ?? defaults.OutputFormat,
        OutputCompression = OutputCompression ?? defaults.OutputCompression,
        EmbedRecipe = EmbedRecipe ?? defaults.EmbedRecipe,
        Question = Question ?? (Pictures is not null ? defaults.Question : null),
        MaxNewTokens = MaxNewTokens ?? defaults.MaxNewTokens,
        MaxNewTokensField = MaxNewTokens is null ? defaults.MaxNewTokensField : MaxNewTokensField,
        Stop = Stop ?? defaults.Stop,
    };
}

/// <summary>A turn of a conversation as it came; roles as in <see cref="ChatTurn"/>.</summary>
public sealed record RequestTurn(string Role, IReadOnlyList<RequestPart> Parts);

/// <summary>Exactly one of the two is set.</summary>
public sealed record RequestPart(string? Text, RequestPicture? Picture);

/// <summary>A picture that came with a request, its header checked and its pixels not yet read.</summary>
/// <param name="File">A PNG, JPEG, WebP, GIF or BMP file.</param>
/// <param name="Hash">SHA-256 of it.</param>
public sealed record RequestPicture(byte[] File, byte[] Hash)
{
    /// <summary>The uploaded file that the request names in place of a picture: whoever has the files puts it there (<see cref="PictureReader.Load"/>). Null when it is there.</summary>
    public FileId? Named { get; init; }

    /// <summary>Where in the request it is named.</summary>
    public string Path { get; init; } = "";
}
