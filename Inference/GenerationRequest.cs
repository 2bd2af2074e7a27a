namespace Emu3.Inference;

/// <summary>A request with everything resolved: no default is filled in after this point.</summary>
public abstract record GenerationRequest
{
    /// <summary>Names the request in logs. Takes no part in the computation.</summary>
    public required string Id { get; init; }

    /// <summary>Temperature, top-k and top-p of the draw.</summary>
    public required SamplingSettings Sampling { get; init; }

    /// <summary>The key of the noise: with the same request and numeric class, the same seed gives the same tokens.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Which of several samples of one seed this is; third word of the noise counter.</summary>
    public uint SampleIndex { get; init; }

    /// <summary>Tokens generated before, forced ones included, in order. The run goes on after them; they are not reported again.</summary>
    public IReadOnlyList<int> Generated { get; init; } = [];
}

/// <summary>Draw one still picture from text.</summary>
public sealed record ImageRequest : GenerationRequest
{
    /// <summary>The exact text, suffix included.</summary>
    public required string Prompt { get; init; }

    /// <summary>The exact text of the second branch; "" is an empty prompt. Ignored when <see cref="GuidanceScale"/> is 1.</summary>
    public required string NegativePrompt { get; init; }

    /// <summary>Classifier-free guidance; 1 is off (one sequence instead of two).</summary>
    public required double GuidanceScale { get; init; }

    /// <summary>Rows of visual tokens.</summary>
    public required int LatentHeight { get; init; }

    /// <summary>Visual tokens in a row.</summary>
    public required int LatentWidth { get; init; }

    /// <summary>
    /// What <see cref="GenerationRequest.Generated"/> has is decoded as it is, to show how far the picture has come; nothing is generated, and no slot
    /// taken. Cells that are not drawn yet repeat the one above them.
    /// </summary>
    public bool IsPreview { get; init; }
}

/// <summary>Answer in text, about no, one or several pictures.</summary>
public sealed record ChatRequest : GenerationRequest
{
    /// <summary>The conversation, oldest first.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The answer ends after this many tokens at the latest.</summary>
    public required int MaxNewTokens { get; init; }

    /// <summary>
    /// The answer ends as soon as its text holds one of these, and is cut before it. None is empty. The tokens that complete it are generated, and counted.
    /// </summary>
    public IReadOnlyList<string> Stop { get; init; } = [];
}

/// <summary>One turn of a conversation.</summary>
public sealed record ChatMessage(ChatRole Role, IReadOnlyList<ChatPart> Parts);

/// <summary>Who speaks.</summary>
public enum ChatRole { System, User, Assistant }

/// <summary>A piece of a turn.</summary>
public abstract record ChatPart
{
    /// <summary>User text: never parsed for special tokens.</summary>
    public sealed record Text(string Value) : ChatPart;

    /// <summary>The bytes of a PNG, JPEG, WebP, GIF or BMP file.</summary>
    public sealed record Picture(ReadOnlyMemory<byte> File) : ChatPart;
}

/// <summary>How the next token is drawn (emu3-model: logits ÷ temperature, top-k, top-p, draw).</summary>
/// <param name="Temperature">0 takes the most likely token.</param>
/// <param name="TopK">Tokens at least as likely as the k-th survive; 0 keeps all.</param>
/// <param name="TopP">Of the survivors, the most likely whose probabilities reach this sum; 1 keeps all.</param>
public readonly record struct SamplingSettings(double Temperature, int TopK, double TopP)
{
    /// <summary>Always the most likely token.</summary>
    public static SamplingSettings Greedy => new(0, 0, 1);
}

/// <summary>What a request will take, or why it can't run.</summary>
/// <param name="PromptTokens">Tokens of the longer branch's prompt.</param>
/// <param name="Positions">Cache positions that the longer branch needs at most.</param>
/// <param name="Failure">Null when the request can run.</param>
public sealed record Measurement(int PromptTokens, int Positions, EngineFailure? Failure);
