namespace Emu3.Benchmarks.Fuzz;

/// <summary>A request as it goes out.</summary>
/// <param name="Number">Its place in the run.</param>
/// <param name="Route">The route that it was made from.</param>
/// <param name="Mutations">What was done to it; empty when nothing was.</param>
/// <param name="Bytes">What is sent.</param>
/// <param name="End">What happens then.</param>
internal sealed record FuzzRequest(int Number, string Route, IReadOnlyList<string> Mutations, byte[] Bytes, SendEnd End)
{
    public required string Method { get; init; }

    /// <summary>The server may refuse it before the gateway sees it.</summary>
    public required bool MayBreakProtocol { get; init; }

    /// <summary>
    /// The whole body arrives under its right name and is JSON objects, so that whatever is wrong with it is wrong with a field of it.
    /// </summary>
    public required bool HasReadableBody { get; init; }

    public string Kind => Mutations.Count == 0 ? "as it is" : string.Join(" + ", Mutations);
}
