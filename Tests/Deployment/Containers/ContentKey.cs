using System.Security.Cryptography;
using System.Text;

namespace Emu3.Tests.Deployment.Containers;

/// <summary>Hash of what an image is made from: the same key, the same image, whichever clone it was built in.</summary>
internal static class ContentKey
{
    public static string Of(params IEnumerable<string> texts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))))[..32];

    /// <summary>Of the files that a builder is sent: those that <c>.dockerignore</c> lets through.</summary>
    /// <param name="root">Of the build's context.</param>
    /// <param name="more">What else the image depends on.</param>
    public static string OfContext(string root, params IEnumerable<string> more) =>
        Of([.. FilesOf(root).Select(file => $"{Path.GetRelativePath(root, file)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}"), .. more]);

    /// <summary>Our <c>.dockerignore</c> leaves everything out, and then names what is in; of that, build outputs are out again.</summary>
    public static IReadOnlyList<string> FilesOf(string root)
    {
        var lines = File.ReadAllLines(Path.Combine(root, ".dockerignore")).Where(line => line.Length > 0 && !line.StartsWith('#')).ToList();
        if (lines[0] != "*") throw new NotSupportedException("The first rule of .dockerignore is expected to leave out everything.");
        var left = lines.Where(line => line.StartsWith("**/", StringComparison.Ordinal)).Select(line => $"/{line[3..]}/").ToList();
        return
        [
            .. lines.Where(line => line.StartsWith('!')).SelectMany(line => Directory.EnumerateFileSystemEntries(root, line[1..]))
                .SelectMany(path => Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories) : [path])
                .Where(file => !left.Any(file[root.Length..].Contains)).Distinct().Order(StringComparer.Ordinal),
        ];
    }
}
