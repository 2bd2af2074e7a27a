namespace Emu3.Grains.Interfaces.Requests;

/// <summary>What one request may ask for at most. Wide enough for real work; there so that a single line can't take a machine down.</summary>
public static class RequestLimits
{
    /// <summary>Items in one job: samples count one each.</summary>
    public const int ItemsInJob = 1_000_000;

    /// <summary>Outputs of one item, by <c>n</c>.</summary>
    public const int Samples = 100;

    /// <summary>Characters of a prompt, a negative prompt, a question or one message; OpenAI's own limit for prompts.</summary>
    public const int TextLength = 32_000;

    /// <summary>Characters of all texts of one item, so that an item's spec stays far below the 512 KiB of one grain call.</summary>
    public const int ItemTextLength = 96_000;

    /// <summary>Characters of an item's id.</summary>
    public const int IdLength = 256;

    /// <summary>Characters of a webhook's address.</summary>
    public const int WebhookUrlLength = 2_048;

    /// <summary>Messages of one conversation.</summary>
    public const int Messages = 256;

    /// <summary>Pictures in one item.</summary>
    public const int Pictures = 16;

    /// <summary>Bytes of one picture file.</summary>
    public const int PictureBytes = 20 << 20;

    /// <summary>Characters of a picture's data URL, escapes in JSON undone: base64 of a file, and the words before it.</summary>
    public const int PictureUrlLength = PictureBytes / 3 * 4 + 256;

    /// <summary>Pixels of one picture, read from its header: the limit at which PIL speaks of a decompression bomb, twice over.</summary>
    public const long PicturePixels = 178_956_970;

    /// <summary>Tokens of one answer where the request does not say.</summary>
    public const int DefaultNewTokens = 1_024;

    /// <summary>Strings that end an answer; OpenAI's own limit.</summary>
    public const int StopCount = 4;

    /// <summary>Characters of one of them.</summary>
    public const int StopLength = 256;

    /// <summary>Classifier-free guidance.</summary>
    public const double GuidanceScale = 20;

    public const double Temperature = 10;

    /// <summary>Errors that are collected before the rest of a job is no longer looked at.</summary>
    public const int LineErrors = 1_000;
}
