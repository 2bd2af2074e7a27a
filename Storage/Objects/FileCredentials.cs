using Amazon.Runtime;

namespace Emu3.Storage.Objects;

/// <summary>
/// An access key in two files, as a mounted secret. They are read for every request, which is nothing beside it: when the secret is rotated, the next request has
/// the new one.
/// </summary>
internal sealed class FileCredentials(string accessKeyFile, string secretKeyFile) : AWSCredentials
{
    public override ImmutableCredentials GetCredentials() => new(Line(File.ReadAllText(accessKeyFile), accessKeyFile), Line(File.ReadAllText(secretKeyFile), secretKeyFile), token: null);

    public override async Task<ImmutableCredentials> GetCredentialsAsync() =>
        new(Line(await File.ReadAllTextAsync(accessKeyFile), accessKeyFile), Line(await File.ReadAllTextAsync(secretKeyFile), secretKeyFile), token: null);

    /// <summary>Someone who replaces a file in place empties it first: that passes.</summary>
    private static string Line(string text, string file) => text.Trim() is { Length: > 0 } line ? line : throw new IOException($"{file} is empty.");
}
