using System.Text;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Keeps the first violations of each kind, request and answer, so that somebody can look at them and send them again.</summary>
internal sealed class ViolationLog(FuzzOptions options, Action<string> tell)
{
    private const int MaxOfEach = 10;
    private readonly Lock _lock = new();
    private readonly Dictionary<FuzzOutcome, int> _counts = [];
    private readonly HashSet<(FuzzOutcome, string)> _places = [];

    /// <summary>One of each kind and route, and not too many.</summary>
    public void Add(FuzzRequest request, FuzzAnswer answer, FuzzOutcome outcome)
    {
        lock (_lock)
        {
            var count = _counts.GetValueOrDefault(outcome);
            if (count >= MaxOfEach || !_places.Add((outcome, request.Route))) return;
            _counts[outcome] = count + 1;
        }

        var file = Path.Combine(options.Folder, $"{outcome}-{request.Number}.txt");
        File.WriteAllText(file, Tell(request, answer));
        tell($"{outcome}: request {request.Number} ({request.Route}, {request.Kind}): {answer.End} {answer.Status} {Short(answer.Text, 300)}");
        tell($"    {file}; again: fuzz --seed {options.Seed} --only {request.Number}");
    }

    /// <summary>All of a request and its answer.</summary>
    public static string Tell(FuzzRequest request, FuzzAnswer answer) =>
        $"""
        request {request.Number}: {request.Route}, {request.Kind}; then {request.End}
        {Short(Encoding.Latin1.GetString(request.Bytes), 20_000)}

        --- {answer.End} after {answer.Elapsed.TotalMilliseconds:0} ms
        {answer.Head}
        {Short(answer.Text, 20_000)}
        """;

    private static string Short(string text, int most) => text.Length <= most ? text : $"{text[..most]} … ({text.Length})";
}
