namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>A request that was made from the document.</summary>
/// <param name="Operation">What it asks for.</param>
/// <param name="Target">Path and query.</param>
/// <param name="ContentType">Of the body; null: none.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">Besides the key.</param>
/// <param name="IsAllowed">The document allows all of it; else it forbids one thing.</param>
internal sealed record DocumentRequest(
    Description.ApiOperation Operation, string Target, string? ContentType, byte[] Body, IReadOnlyList<(string Name, string Value)> Headers, bool IsAllowed)
{
    private const int LongestBody = 400;

    /// <summary>For a report.</summary>
    public string Tell()
    {
        var body = System.Text.Encoding.UTF8.GetString(Body).ReplaceLineEndings(" ");
        return $"{Operation.Method} {Target} {ContentType} {(body.Length <= LongestBody ? body : $"{body[..LongestBody]}…")} {string.Join(", ", Headers)}";
    }

    public HttpRequestMessage Write(Uri gateway, string? key)
    {
        var request = new HttpRequestMessage(new(Operation.Method), new Uri(gateway, Target));
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        foreach (var (name, value) in Headers) request.Headers.TryAddWithoutValidation(name, value);
        if (ContentType is null) return request;
        request.Content = new ByteArrayContent(Body);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
        return request;
    }
}
