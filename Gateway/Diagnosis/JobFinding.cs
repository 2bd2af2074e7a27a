namespace Emu3.Gateway.Diagnosis;

/// <summary>One reason why something has not ended.</summary>
/// <param name="Code">Which, for a program.</param>
/// <param name="Message">For a person: what is so, and where there is something to do, what.</param>
/// <param name="ItemCount">Items that it is about; 0 for the whole job.</param>
/// <param name="Items">The first of them, by their index.</param>
internal sealed record JobFinding(string Code, string Message, int ItemCount, IReadOnlyList<int> Items)
{
    private const int MaxItems = 20;

    public static JobFinding OfJob(string code, string message) => new(code, message, 0, []);

    public static JobFinding OfItems(string code, string message, IReadOnlyList<int> items) => new(code, message, items.Count, [.. items.Take(MaxItems)]);
}
