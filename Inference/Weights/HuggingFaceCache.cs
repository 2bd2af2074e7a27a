using System.Text.RegularExpressions;

namespace Emu3.Inference.Weights;

/// <summary>
/// Finds a repository that <c>hf download</c> or transformers has stored on this machine. Nothing is downloaded.
/// Layout: <c>models--ORGANISATION--NAME/refs/main</c> holds the commit, <c>snapshots/COMMIT</c> the files.
/// </summary>
internal static partial class HuggingFaceCache
{
    /// <summary>Whether a name has the form <c>ORGANISATION/NAME</c>.</summary>
    public static bool IsRepositoryName(string name) => RepositoryName().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal);

    /// <summary>The folder of the repository's main revision.</summary>
    /// <exception cref="CheckpointException">It is not in the cache; the message says where it was looked for and how to fetch it.</exception>
    public static string Find(string repository)
    {
        var folder = Path.Combine(Root, $"models--{repository.Replace("/", "--", StringComparison.Ordinal)}");
        var reference = Path.Combine(folder, "refs", "main");
        if (!File.Exists(reference))
        {
            throw new CheckpointException(
                $"There is no folder '{repository}', and no {reference} in the local Hugging Face cache. `hf download {repository}` puts it there; HF_HUB_CACHE or HF_HOME say where the cache is.");
        }

        var commit = File.ReadAllText(reference).Trim();
        var snapshot = Path.Combine(folder, "snapshots", commit);
        return Commit().IsMatch(commit) && Directory.Exists(snapshot)
            ? snapshot
            : throw new CheckpointException($"{reference} names the commit '{commit}', but there is no such folder in {Path.Combine(folder, "snapshots")}. Download the repository again.");
    }

    private static string Root =>
        Variable("HF_HUB_CACHE") ?? Variable("HUGGINGFACE_HUB_CACHE")
        ?? Path.Combine(Variable("HF_HOME") ?? Path.Combine(CacheHome, "huggingface"), "hub");

    private static string CacheHome =>
        Variable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", RegexOptions.ECMAScript)]
    private static partial Regex RepositoryName();

    [GeneratedRegex("^[0-9a-zA-Z]+$")]
    private static partial Regex Commit();
}
