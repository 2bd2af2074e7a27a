using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>What a request needs, and why it can't run: from its text, its numbers and the headers of its pictures. Touches no tensor; any thread may ask.</summary>
/// <param name="facts">Of the checkpoint.</param>
/// <param name="config">Of the checkpoint.</param>
/// <param name="prompts">Of the checkpoint.</param>
/// <param name="slotCount">Of the engine.</param>
/// <param name="maxInputPixels">Of a picture.</param>
internal sealed class RequestChecks(ModelFacts facts, Emu3Config config, PromptTemplate prompts, int slotCount, long maxInputPixels)
{
    /// <summary>Positions that a request needs, or its failure.</summary>
    public Measurement Measure(GenerationRequest request) => request switch
    {
        _ when SettingFailure(request) is { } message => Refuse(EngineFailureCode.InvalidSetting, message),
        ImageRequest image => Measure(image),
        ChatRequest chat => Measure(chat),
        _ => Refuse(EngineFailureCode.NotSupported, $"Requests of type {request.GetType().Name} are not known."),
    };

    /// <summary>Makes of a request what needs no device. To be called for one that <see cref="Measure(GenerationRequest)"/> let pass.</summary>
    /// <exception cref="PictureException">A picture can't be read.</exception>
    public PreparedRequest Prepare(GenerationRequest request) => request switch
    {
        ImageRequest image => new(ImagePrompts(image), null, []),
        ChatRequest chat => new([], prompts.Tokenise(chat.Messages), [.. Pictures(chat).Select(picture =>
            PictureFitting.Fit(PictureFiles.Decode(picture.File.Span, maxInputPixels), config.Pixels, config.Vision.SpatialFactor))]),
        _ => throw new ArgumentException($"Requests of type {request.GetType().Name} are not known.", nameof(request)),
    };

    /// <summary>The rules of an answer behind a prompt: it ends where positions do, at the latest.</summary>
    public TextRules ChatRules(ChatRequest chat, int promptTokens) =>
        new(config.Tokens.EndOfSequence, Math.Min(chat.MaxNewTokens, facts.MaxPositions - promptTokens));

    private Measurement Measure(ImageRequest image)
    {
        if (!facts.CanDraw)
            return Refuse(EngineFailureCode.NotSupported, $"The model {facts.Name} is not used for pictures here.");
        if (image.LatentHeight < 1 || image.LatentWidth < 1)
            return Refuse(EngineFailureCode.SizeNotSupported, $"A picture has at least 1x1 cells; {image.LatentHeight}x{image.LatentWidth} were asked for.");
        var length = (image.LatentWidth + 1L) * image.LatentHeight + 3;
        if (length >= facts.MaxPositions)
            return Refuse(EngineFailureCode.SizeNotSupported,
                $"A picture of {image.LatentHeight}x{image.LatentWidth} cells takes {length} positions; with its prompt it must fit {facts.MaxPositions}.");
        if (image.GuidanceScale != 1 && slotCount < 2)
            return Refuse(EngineFailureCode.NotSupported, "Guidance takes two slots and this engine has one; a guidance scale of 1 is allowed.");
        var longest = ImagePrompts(image).Max(prompt => prompt.Length);
        var positions = (int)(longest + length);
        if (positions > facts.MaxPositions)
            return new Measurement(longest, positions, new EngineFailure(EngineFailureCode.PromptTooLong,
                $"The prompt has {longest} tokens and the picture {length}; together they must fit {facts.MaxPositions} positions."));
        return new ImageGrammar(image.LatentHeight, image.LatentWidth, config.Tokens).Check(image.Generated) is { } wrong
            ? new Measurement(longest, positions, new EngineFailure(EngineFailureCode.ResumeNotPossible, wrong))
            : new Measurement(longest, positions, null);
    }

    private Measurement Measure(ChatRequest chat)
    {
        if (!facts.CanChat)
            return Refuse(EngineFailureCode.NotSupported, prompts.CanChat
                ? $"The model {facts.Name} is not used for chat here."
                : $"The checkpoint {facts.Name} has no chat template: it can't answer in text.");
        if (chat.MaxNewTokens < 1)
            return Refuse(EngineFailureCode.InvalidSetting, $"An answer has at least 1 token; {chat.MaxNewTokens} were asked for.");
        int length;
        try
        {
            length = prompts.Measure(chat.Messages, [.. Pictures(chat).Select(picture => LatentSize(picture.File.Span))]).TokenCount;
        }
        catch (PictureException failure)
        {
            return Refuse(EngineFailureCode.PictureNotReadable, failure.Message);
        }
        if (length >= facts.MaxPositions)
            return new Measurement(length, length + 1, new EngineFailure(EngineFailureCode.PromptTooLong,
                $"The conversation has {length} tokens; with at least one of the answer it must fit {facts.MaxPositions} positions."));
        var rules = ChatRules(chat, length);
        return new Measurement(length, length + rules.MaxLength, CheckGenerated(chat.Generated, rules));
    }

    /// <summary>The prompts of a picture, the conditional one first.</summary>
    private int[][] ImagePrompts(ImageRequest image)
    {
        var prompt = prompts.Image(image.Prompt, image.LatentHeight, image.LatentWidth);
        return image.GuidanceScale == 1 ? [prompt] : [prompt, prompts.Image(image.NegativePrompt, image.LatentHeight, image.LatentWidth)];
    }

    private static IEnumerable<ChatPart.Picture> Pictures(ChatRequest chat) => chat.Messages.SelectMany(message => message.Parts).OfType<ChatPart.Picture>();

    private (int Height, int Width) LatentSize(ReadOnlySpan<byte> file)
    {
        var (width, height) = PictureFiles.ReadUprightSize(file, maxInputPixels);
        var (pixels, factor) = (config.Pixels, config.Vision.SpatialFactor);
        var fitted = SmartResize.Fit(height, width, factor, pixels.MinPixels, pixels.MaxPixels, pixels.OriginalLayout);
        return (fitted.Height / factor, fitted.Width / factor);
    }

    private EngineFailure? CheckGenerated(IReadOnlyList<int> generated, TextRules rules)
    {
        if (generated.Count > rules.MaxLength)
            return new EngineFailure(EngineFailureCode.ResumeNotPossible, $"The answer has at most {rules.MaxLength} tokens; {generated.Count} were given.");
        for (var i = 0; i < generated.Count; i++)
            if ((uint)generated[i] >= (uint)config.Transformer.VocabularySize || i < generated.Count - 1 && generated[i] == rules.EndOfSequence)
                return new EngineFailure(EngineFailureCode.ResumeNotPossible,
                    $"Token {i} of the answer is {generated[i]}; allowed are 0 to {config.Transformer.VocabularySize - 1}, the end token only as the last one.");
        return null;
    }

    private static string? SettingFailure(GenerationRequest request) => request switch
    {
        { Sampling.Temperature: var t } when !(t >= 0 && double.IsFinite(t)) => $"The temperature is {t}; allowed is 0 and more.",
        { Sampling.TopK: < 0 and var k } => $"Top-k is {k}; allowed is 0 (off) and more.",
        { Sampling.TopP: var p } when !(p > 0 && p <= 1) => $"Top-p is {p}; allowed is more than 0 and at most 1.",
        ImageRequest { GuidanceScale: var s } when !float.IsFinite((float)s) => $"The guidance scale is {s}; it must be a finite number.",
        _ => null,
    };

    private static Measurement Refuse(EngineFailureCode code, string message) => new(0, 0, new EngineFailure(code, message));
}
