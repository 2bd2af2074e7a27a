using System.Text;

namespace Emu3.Gateway.Access;

/// <summary>HTTP's basic authentication (RFC 7617), of which only the password counts.</summary>
internal static class BasicPassword
{
    private const string Scheme = "Basic ";

    /// <summary>What a browser is asked with.</summary>
    public const string Challenge = "Basic realm=\"emu3: any name, and a key of an admin as the password\", charset=\"UTF-8\"";

    /// <summary>The password of a header; null when it is another scheme's, or none.</summary>
    public static string? Read(string header)
    {
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return null;
        var bytes = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[Scheme.Length..].Trim(), bytes, out var length)) return null;
        var both = Encoding.UTF8.GetString(bytes, 0, length);
        return both.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? both[(colon + 1)..] : null;
    }
}
