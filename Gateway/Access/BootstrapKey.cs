using System.Security.Cryptography;

namespace Emu3.Gateway.Access;

/// <summary>The key of a mounted file, with which the first admin comes in. Only its hash is held, and it is never logged.</summary>
internal sealed class BootstrapKey
{
    private const int MinLength = 32;
    private readonly byte[] _hash;

    private BootstrapKey(string text) => _hash = KeyText.Hash(text);

    /// <summary>Whether this is the key.</summary>
    public bool Is(string text) => CryptographicOperations.FixedTimeEquals(_hash, KeyText.Hash(text));

    /// <summary>Reads the file; white space around the key does not count.</summary>
    /// <returns>The key, or what is wrong with the file.</returns>
    public static (BootstrapKey? Key, string? Problem) Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return (null, $"must name a file that can be read: {exception.Message}");
        }
        if (text.Length < MinLength) return (null, $"names a file whose key has {text.Length} characters; {MinLength} are the least.");
        return text.Any(character => character is <= ' ' or > '~')
            ? (null, "names a file whose key has other characters than visible ASCII ones: it could not travel in a header.")
            : (new(text), null);
    }
}
