namespace Emu3.Observability.Exposition;

/// <summary>
/// What Prometheus calls an instrument. Names of instruments are OpenTelemetry's, which knows no colon: <c>vllm.num_requests_running</c> is told as
/// <c>vllm:num_requests_running</c>, the name that dashboards and autoscalers of vLLM ask for.
/// </summary>
internal static class ExposedName
{
    private const string Vllm = "vllm.";

    /// <summary>A metric's name: dots become underscores, the unit is named at the end, and of a counter <c>total</c>.</summary>
    /// <param name="instrument">The instrument's name.</param>
    /// <param name="unit">As OpenTelemetry writes it: <c>s</c>, <c>By</c>, <c>{item}</c>.</param>
    /// <param name="isCounter">It only grows.</param>
    public static string Of(string instrument, string unit, bool isCounter)
    {
        var name = instrument.StartsWith(Vllm, StringComparison.Ordinal)
            ? $"vllm:{Letters(instrument[Vllm.Length..])}"
            : Letters(instrument);
        name = WithEnd(name, UnitOf(unit));
        return isCounter ? WithEnd(name, "total") : name;
    }

    /// <summary>A label's name.</summary>
    public static string OfLabel(string tag) => Letters(tag);

    private static string WithEnd(string name, string end) => end.Length == 0 || name.EndsWith($"_{end}", StringComparison.Ordinal) ? name : $"{name}_{end}";

    private static string UnitOf(string unit) => unit switch
    {
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        _ => "", // {things}, shares, and whatever has no unit
    };

    private static string Letters(string text)
    {
        var letters = text.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_').ToArray();
        return letters.Length > 0 && char.IsAsciiDigit(letters[0]) ? $"_{new string(letters)}" : new string(letters);
    }
}
