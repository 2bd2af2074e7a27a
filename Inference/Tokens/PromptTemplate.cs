using System.Globalization;
using System.Text;

namespace Emu3.Inference.Tokens;

/// <summary>
/// Prompts as token ids (reference: Emu3Processor). A prompt is made of texts, control tokens and pictures; adjacent texts are joined before they are tokenised,
/// control tokens are put in by id and never come from text.
/// </summary>
/// <param name="tokenizer">Of the checkpoint.</param>
/// <param name="tokens">Of the checkpoint.</param>
/// <param name="chat">Of the checkpoint; null when it can't chat.</param>
public sealed class PromptTemplate(TextTokenizer tokenizer, SpecialTokens tokens, ChatTemplate? chat)
{
    /// <summary>Whether the checkpoint has a chat template.</summary>
    public bool CanChat => chat is not null;

    /// <summary>What stands before a picture that is to be drawn: BOS prompt BOI "h*w" IMG.</summary>
    /// <param name="prompt">The exact text; "" is an empty prompt.</param>
    /// <param name="latentHeight">Rows of visual tokens.</param>
    /// <param name="latentWidth">Visual tokens in a row.</param>
    public int[] Image(string prompt, int latentHeight, int latentWidth) =>
        [tokens.BeginOfSequence, .. tokenizer.Encode(prompt), .. PictureHead(latentHeight, latentWidth)];

    /// <summary>What stands before the answer to a conversation: BOS and the template's text, with a block for each picture.</summary>
    /// <param name="messages">The conversation, oldest first.</param>
    /// <param name="pictures">Its pictures, in the order in which they stand there.</param>
    /// <exception cref="ArgumentException">There are more or fewer pictures than the conversation has.</exception>
    /// <exception cref="NotSupportedException">The checkpoint has no chat template.</exception>
    public ChatPrompt Build(IReadOnlyList<ChatMessage> messages, IReadOnlyList<PictureCodes> pictures) => Fill(Tokenise(messages), pictures);

    /// <summary>The part of <see cref="Build(IReadOnlyList{ChatMessage}, IReadOnlyList{PictureCodes})"/> that needs no picture's codes: all texts as tokens.</summary>
    /// <exception cref="NotSupportedException">The checkpoint has no chat template.</exception>
    public ChatDraft Tokenise(IReadOnlyList<ChatMessage> messages)
    {
        RequireTemplate();
        return new([.. Joined(messages).Select(piece => piece.Text is { } text ? new ChatTokens([.. tokenizer.Encode(text)], -1) : new ChatTokens(null, piece.Picture))]);
    }

    /// <summary>Puts the pictures in their places.</summary>
    /// <exception cref="ArgumentException">There are more or fewer pictures than the conversation has.</exception>
    public ChatPrompt Fill(ChatDraft draft, IReadOnlyList<PictureCodes> pictures)
    {
        RequirePictures(draft.Pieces.Count(piece => piece.Ids is null), pictures.Count);
        var ids = new List<int> { tokens.BeginOfSequence };
        var pictureTokenCount = 0;
        foreach (var piece in draft.Pieces)
        {
            var before = ids.Count;
            ids.AddRange(piece.Ids ?? (IEnumerable<int>)PictureBlock(pictures[piece.Picture]));
            pictureTokenCount += piece.Ids is null ? ids.Count - before : 0;
        }

        return new ChatPrompt([.. ids], pictureTokenCount);
    }

    /// <summary>The lengths that <see cref="Build"/> will give, from the pictures' sizes alone.</summary>
    /// <param name="messages">The conversation, oldest first.</param>
    /// <param name="pictureSizes">Latent height and width of its pictures, in the order in which they stand there.</param>
    /// <exception cref="ArgumentException">There are more or fewer pictures than the conversation has.</exception>
    /// <exception cref="NotSupportedException">The checkpoint has no chat template.</exception>
    public ChatPromptLength Measure(IReadOnlyList<ChatMessage> messages, IReadOnlyList<(int LatentHeight, int LatentWidth)> pictureSizes)
    {
        RequireTemplate();
        RequirePictures(messages.Sum(message => message.Parts.OfType<ChatPart.Picture>().Count()), pictureSizes.Count);
        int textTokenCount = 1, pictureTokenCount = 0;
        foreach (var piece in Joined(messages))
        {
            if (piece.Text is { } text)
            {
                textTokenCount += tokenizer.Encode(text).Count;
            }
            else
            {
                var (height, width) = pictureSizes[piece.Picture];
                pictureTokenCount += PictureHead(height, width).Length + (height * (width + 1)) + 2;
            }
        }

        return new ChatPromptLength(textTokenCount + pictureTokenCount, pictureTokenCount);
    }

    /// <summary>BOI "h*w" IMG: the size is plain text, the next token is the first visual one.</summary>
    private int[] PictureHead(int latentHeight, int latentWidth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(latentHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(latentWidth, 1);
        var size = string.Create(CultureInfo.InvariantCulture, $"{latentHeight}*{latentWidth}");
        return [tokens.BeginOfImage, .. tokenizer.Encode(size), tokens.Image];
    }

    /// <summary>The head, the rows with EOL behind each, EOF EOI.</summary>
    private List<int> PictureBlock(PictureCodes picture)
    {
        var block = new List<int>(PictureHead(picture.LatentHeight, picture.LatentWidth));
        if (picture.Codes.Length != picture.LatentHeight * picture.LatentWidth)
        {
            throw new ArgumentException($"A picture of {picture.LatentHeight}x{picture.LatentWidth} has {picture.LatentHeight * picture.LatentWidth} codes, not {picture.Codes.Length}.", nameof(picture));
        }

        foreach (var row in picture.Codes.Chunk(picture.LatentWidth))
        {
            block.AddRange(row.Select(VisualToken));
            block.Add(tokens.EndOfLine);
        }

        block.AddRange([tokens.EndOfFrame, tokens.EndOfImage]);
        return block;
    }

    private int VisualToken(int code) =>
        (uint)code < (uint)tokens.VisualCount ? tokens.FirstVisual + code : throw new ArgumentOutOfRangeException(nameof(code), code, $"Codes go from 0 to {tokens.VisualCount - 1}.");

    private IEnumerable<ChatPiece> Joined(IReadOnlyList<ChatMessage> messages)
    {
        var text = new StringBuilder();
        foreach (var piece in chat!.Render(messages))
        {
            if (piece.Text is not null)
            {
                text.Append(piece.Text);
                continue;
            }

            if (text.Length > 0)
            {
                yield return new ChatPiece(text.ToString());
                text.Clear();
            }

            yield return piece;
        }

        yield return new ChatPiece(text.ToString());
    }

    private void RequireTemplate()
    {
        if (chat is null)
        {
            throw new NotSupportedException("The checkpoint has no chat template.");
        }
    }

    private static void RequirePictures(int needed, int given)
    {
        if (needed != given)
        {
            throw new ArgumentException($"The conversation has {needed} pictures, but {given} are given.", nameof(given));
        }
    }
}

/// <summary>The prompt of a chat without its pictures.</summary>
/// <param name="Pieces">In their order.</param>
public sealed record ChatDraft(IReadOnlyList<ChatTokens> Pieces);

/// <summary>A piece of such a prompt.</summary>
/// <param name="Ids">A text; null where a picture stands.</param>
/// <param name="Picture">Index of that picture; −1 for a text.</param>
public readonly record struct ChatTokens(int[]? Ids, int Picture);

/// <summary>A picture as the model sees it.</summary>
/// <param name="LatentHeight">Rows.</param>
/// <param name="LatentWidth">Codes in a row.</param>
/// <param name="Codes">Codebook indices, row by row.</param>
public readonly record struct PictureCodes(int LatentHeight, int LatentWidth, int[] Codes);

/// <summary>The prompt of a chat.</summary>
/// <param name="Ids">All tokens, exactly one of them BOS, the first.</param>
/// <param name="PictureTokenCount">Of those, the tokens of picture blocks.</param>
public sealed record ChatPrompt(int[] Ids, int PictureTokenCount);

/// <summary>How long the prompt of a chat is.</summary>
/// <param name="TokenCount">All tokens.</param>
/// <param name="PictureTokenCount">Of those, the tokens of picture blocks.</param>
public readonly record struct ChatPromptLength(int TokenCount, int PictureTokenCount);
