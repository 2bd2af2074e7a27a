using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Emu3.Gateway.Access;

/// <summary>
/// A key as its holder has it: <c>emu3_</c>, 16 hex digits that name it, <c>_</c>, and 64 hex digits that are its secret. The cluster keeps the hash of it.
/// </summary>
internal static class KeyText
{
    public const string Prefix = "emu3_";
    private const string IdPrefix = "key_";
    private const int NameDigits = 16;
    private const int SecretDigits = 64;
    private const int Length = 5 + NameDigits + 1 + SecretDigits;
    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>Id of a key that is to be made.</summary>
    public static string DrawId() => IdPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameDigits / 2));

    /// <summary>The id that one tenant's idempotency key always gives.</summary>
    public static string IdFrom(string tenant, string idempotencyKey) =>
        IdPrefix + Convert.ToHexStringLower(Hash($"{tenant}\nkey\n{idempotencyKey}").AsSpan(0, NameDigits / 2));

    /// <summary>A fresh key of that id.</summary>
    public static string Draw(string id) =>
        $"{Prefix}{id[IdPrefix.Length..]}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretDigits / 2))}";

    /// <summary>What is kept of a key.</summary>
    public static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>What a person may be shown of a key for ever.</summary>
    public static string LastFourOf(string text) => text[^4..];

    /// <summary>The id in a key that has the form of one.</summary>
    public static bool TryReadId(string text, out string id)
    {
        id = "";
        if (text.Length != Length || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + NameDigits] != '_') return false;
        var name = text.AsSpan(Prefix.Length, NameDigits);
        if (name.ContainsAnyExcept(s_hexDigits) || text.AsSpan(Length - SecretDigits).ContainsAnyExcept(s_hexDigits)) return false;
        id = $"{IdPrefix}{name}";
        return true;
    }

    /// <summary>Whether text from outside has the form of an id.</summary>
    public static bool IsId(string text) =>
        text.Length == IdPrefix.Length + NameDigits && text.StartsWith(IdPrefix, StringComparison.Ordinal) && !text.AsSpan(IdPrefix.Length).ContainsAnyExcept(s_hexDigits);
}
