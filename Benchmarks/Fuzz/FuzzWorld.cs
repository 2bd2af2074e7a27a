namespace Emu3.Benchmarks.Fuzz;

/// <summary>What is there for requests to ask about: names of jobs, files, batches, keys, and the two keys that requests show.</summary>
/// <param name="Host">What clients call the gateway, as <c>127.0.0.1:8080</c>.</param>
/// <param name="UserKey">A key of the role user.</param>
/// <param name="AdminKey">A key of the role admin.</param>
/// <param name="Names">By the word that stands for each in <see cref="SeedRequests"/>.</param>
internal sealed record FuzzWorld(string Host, string UserKey, string AdminKey, IReadOnlyDictionary<string, string> Names)
{
    /// <summary>The text with the names in the places of their words.</summary>
    public string Fill(string text)
    {
        foreach (var (word, name) in Names) text = text.Replace($"{{{word}}}", name, StringComparison.Ordinal);
        return text;
    }
}
