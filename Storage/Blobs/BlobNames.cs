namespace Emu3.Storage.Blobs;

/// <summary>Which keys blobs may have, in every store: a file system and an object store must both be able to take them.</summary>
internal static class BlobNames
{
    /// <summary>For a person, behind "must be" or "allowed are".</summary>
    public const string Rule = "parts of letters, digits, '_', '-' and '.', not beginning with '.', joined by '/'";

    /// <summary>Returns the key.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static string Require(string key) => IsValid(key) ? key : throw new ArgumentException($"'{key}' is no blob key: allowed are {Rule}.", nameof(key));

    public static bool IsValid(string key)
    {
        foreach (var range in key.AsSpan().Split('/'))
        {
            var part = key.AsSpan(range);
            if (part.Length is 0 or > 200 || part[0] == '.') return false;
            foreach (var c in part)
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.')) return false;
        }

        return true;
    }
}
