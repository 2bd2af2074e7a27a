using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;

namespace Emu3.Grains.Interfaces;

/// <summary>
/// Names a file: <c>file-</c> and 32 hex digits of one that was uploaded. What a batch gives has names too, made from the batch's:
/// <c>-output</c> and <c>-errors</c> behind them, or the number of an item.
/// </summary>
[GenerateSerializer, Immutable, Alias("emu3.FileId")]
public readonly record struct FileId([property: Id(0)] string Value)
{
    private const string Prefix = "file-";
    private const string Output = "output";
    private const string Errors = "errors";
    private const int DigitCount = 32;
    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>A fresh id of an upload.</summary>
    public static FileId Draw() => new(Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(DigitCount / 2)));

    /// <summary>The id that one tenant's idempotency key always gives.</summary>
    public static FileId FromIdempotencyKey(string tenant, string idempotencyKey) =>
        new(Prefix + BatchId.Of(JobId.FromIdempotencyKey(tenant, "file\n" + idempotencyKey)).Digits);

    /// <summary>The lines that came of a batch.</summary>
    public static FileId OutputOf(BatchId batch) => new($"{Prefix}{batch.Digits}-{Output}");

    /// <summary>The lines that failed.</summary>
    public static FileId ErrorsOf(BatchId batch) => new($"{Prefix}{batch.Digits}-{Errors}");

    /// <summary>The file of one item of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="item">Index of the item in the batch's job.</param>
    public static FileId ItemOf(BatchId batch, int item) => new(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{batch.Digits}-{item}"));

    /// <summary>Whether a string that came from outside has the form of an id.</summary>
    public static bool TryParse(string? text, out FileId id)
    {
        id = new(text ?? "");
        if (text is null || text.Length < Prefix.Length + DigitCount || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        if (text.AsSpan(Prefix.Length, DigitCount).IndexOfAnyExcept(s_hexDigits) >= 0) return false;
        var rest = text.AsSpan(Prefix.Length + DigitCount);
        return rest.IsEmpty || rest is $"-{Output}" or $"-{Errors}" || IsItem(rest);
    }

    /// <summary>The batch whose file it is; null of an upload.</summary>
    public BatchId? Batch => Value.Length == Prefix.Length + DigitCount ? null : BatchId.OfDigits(Value.Substring(Prefix.Length, DigitCount));

    public bool IsErrors => Value.EndsWith($"-{Errors}", StringComparison.Ordinal);

    /// <summary>Which item of the batch; null of all other files.</summary>
    public int? Item => Value.Length > Prefix.Length + DigitCount && char.IsAsciiDigit(Value[Prefix.Length + DigitCount + 1])
        ? int.Parse(Value.AsSpan(Prefix.Length + DigitCount + 1), NumberStyles.None, CultureInfo.InvariantCulture)
        : null;

    /// <summary>Which part of its tenant's shelf has an upload: 0–15.</summary>
    public int Part => Convert.ToInt32(Value.Substring(Prefix.Length, 1), 16);

    public override string ToString() => Value;

    private static bool IsItem(ReadOnlySpan<char> rest) =>
        rest is ['-', >= '0' and <= '9', ..] && rest.Length <= 8 && (rest.Length == 2 || rest[1] != '0')
        && int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
