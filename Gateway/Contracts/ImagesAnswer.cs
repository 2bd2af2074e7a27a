namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's answer to <c>/v1/images/generations</c>, with each picture's seed and sample beside it.</summary>
internal sealed record ImagesAnswer
{
    /// <summary>Unix seconds.</summary>
    public required long Created { get; init; }
    public required IReadOnlyList<ImageAnswer> Data { get; init; }
    public string Background { get; } = "opaque";
    public required string OutputFormat { get; init; }

    /// <summary>What was drawn, which may differ from what was asked for.</summary>
    public required string Size { get; init; }
    public required ImagesUsage Usage { get; init; }
}

/// <summary>One picture, and what makes it again.</summary>
internal sealed record ImageAnswer(string B64Json, string Seed, uint Sample);

/// <summary>Tokens of all pictures together.</summary>
internal sealed record ImagesUsage(int TotalTokens, int InputTokens, int OutputTokens, TokenKinds InputTokensDetails, TokenKinds OutputTokensDetails);

/// <summary>Tokens by what they stand for.</summary>
internal sealed record TokenKinds(int TextTokens, int ImageTokens);
