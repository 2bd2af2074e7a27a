namespace Emu3.Gateway.Files;

/// <summary>What one file may be at most, as OpenAI has it.</summary>
internal static class FileLimits
{
    /// <summary>Bytes of a file of purpose <c>batch</c>.</summary>
    public const long BatchBytes = 200L << 20;

    /// <summary>Bytes of any other.</summary>
    public const long Bytes = 512L << 20;

    /// <summary>Bytes that the form around the file may take.</summary>
    public const long FormBytes = 1L << 20;

    /// <summary>Characters of a name.</summary>
    public const int NameLength = 255;

    /// <summary>Seconds that a file may be asked to last: an hour to thirty days.</summary>
    public const int MinSeconds = 3_600;
    public const int MaxSeconds = 2_592_000;

    /// <summary>What a file of purpose <c>batch</c> lasts where nothing is said. Others last until they are deleted.</summary>
    public static readonly TimeSpan BatchLife = TimeSpan.FromDays(30);
}
