namespace Emu3.Storage;

/// <summary>
/// Version of what a cluster keeps and of what its processes say to each other: tables, statements, the form of stored rows, messages. A database and a
/// data folder hold the version that they were made for, and a program that can't work with it says so when it starts.
/// </summary>
/// <param name="Number">Of a program, or of the program that prepared a store. It grows with every change of the tables or statements.</param>
/// <param name="Oldest">
/// The oldest version whose programs may use the store, beside programs of <paramref name="Number"/>. It becomes <paramref name="Number"/> with a change
/// that an older program would misread or lose (docs/change.md), and then the processes of a cluster can't be replaced one by one.
/// </param>
public sealed record StoreVersion(int Number, int Oldest)
{
    /// <summary>Of this program.</summary>
    public static StoreVersion OfProgram { get; } = new(Number: 1, Oldest: 1);

    /// <summary>Why a program of this version can't use a store that another prepared; null when it can.</summary>
    /// <param name="what">The store, for a person: "The data folder /x".</param>
    /// <param name="oldest">What the store demands.</param>
    public string? WhyNot(string what, int oldest) => Number >= oldest ? null
        : $"{what} belongs to a later release: programs from store version {oldest} on can use it, and this one has version {Number}. Start the later release.";
}
