namespace Emu3.Inference;

/// <summary>What a running request tells; see <see cref="IEngine.Run"/> for the order.</summary>
public abstract record EngineEvent
{
    private EngineEvent() { }

    /// <summary>The request has its slots; prefill begins.</summary>
    /// <param name="PromptTokens">Tokens of the (positive) prompt.</param>
    public sealed record Admitted(int PromptTokens) : EngineEvent;

    /// <summary>Tokens were committed: they never change afterwards.</summary>
    /// <param name="Offset">Index of the first of <paramref name="Ids"/> among all generated tokens, those that the request brought included.</param>
    /// <param name="Ids">Token ids, forced ones included.</param>
    /// <param name="Pieces">
    /// For text: the characters of the answer that each token made certain ("" inside a character, and while they may begin a stop); null for pictures.
    /// </param>
    public sealed record TokensGenerated(int Offset, int[] Ids, string[]? Pieces) : EngineEvent;

    /// <summary>The picture of an image request.</summary>
    /// <param name="Width">Pixels.</param>
    /// <param name="Height">Pixels.</param>
    /// <param name="Rgb">Row by row, three bytes a pixel.</param>
    public sealed record PictureDecoded(int Width, int Height, byte[] Rgb) : EngineEvent;

    /// <summary>The request is done.</summary>
    public sealed record Finished(FinishReason Reason, TokenUsage Usage) : EngineEvent;

    /// <summary>The request can't be done: it would fail the same way anywhere, unless <see cref="EngineFailure.Code"/> says otherwise.</summary>
    public sealed record Failed(EngineFailure Failure) : EngineEvent;
}

/// <summary>Why a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>It came to its end token, or its text to one of <see cref="ChatRequest.Stop"/>.</summary>
    Stop,

    /// <summary>It reached the most tokens that were asked for.</summary>
    Length,
}

/// <summary>Tokens in and out.</summary>
/// <param name="PromptTokens">Text and visual tokens before the first generated one.</param>
/// <param name="PromptImageTokens">Of those, the tokens of pictures.</param>
/// <param name="GeneratedTokens">All generated tokens, forced ones included.</param>
public readonly record struct TokenUsage(int PromptTokens, int PromptImageTokens, int GeneratedTokens);

/// <summary>An expected failure, as a value.</summary>
/// <param name="Code">Which.</param>
/// <param name="Message">What is wrong and what is allowed, for the person who sent the request.</param>
public sealed record EngineFailure(EngineFailureCode Code, string Message);

/// <summary>The closed list of what can go wrong with a request.</summary>
public enum EngineFailureCode
{
    /// <summary>Prompt and answer do not fit the model's positions.</summary>
    PromptTooLong,

    /// <summary>The picture's size can't be drawn.</summary>
    SizeNotSupported,

    /// <summary>A picture of the prompt can't be read, or is too large.</summary>
    PictureNotReadable,

    /// <summary>This checkpoint can't do that kind of request.</summary>
    NotSupported,

    /// <summary>The tokens that the request brought do not follow the grammar.</summary>
    ResumeNotPossible,

    /// <summary>A setting of the request is out of its range.</summary>
    InvalidSetting,

    /// <summary>The device ran out of memory: another device or another moment may do.</summary>
    DeviceOutOfMemory,
}
