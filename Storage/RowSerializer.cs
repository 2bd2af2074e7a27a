using System.Linq.Expressions;
using Orleans.Serialization;
using Orleans.Storage;

namespace Emu3.Storage;

/// <summary>
/// Grain state as bytes. A row whose <c>SchemaVersion</c> is later than the one that this program gives a new row was written by a later release: it is
/// refused, since this program would write it again without what it does not know of.
/// </summary>
public sealed class RowSerializer(Serializer serializer) : IGrainStorageSerializer
{
    private readonly OrleansGrainStorageSerializer _rows = new(serializer);

    public BinaryData Serialize<T>(T? input) => _rows.Serialize(input);

    /// <exception cref="RowVersionException">A later release wrote it.</exception>
    public T Deserialize<T>(BinaryData input)
    {
        var row = _rows.Deserialize<T>(input);
        if (Versions<T>.Of(row!) is var version && version > Versions<T>.Newest) throw new RowVersionException(typeof(T).Name, version, Versions<T>.Newest);
        return row;
    }

    /// <summary>States of Orleans' own have no version.</summary>
    private static class Versions<T>
    {
        public static readonly Func<T, int> Of = typeof(T).GetProperty("SchemaVersion") is { } property && Expression.Parameter(typeof(T)) is var row
            ? Expression.Lambda<Func<T, int>>(Expression.Property(row, property), row).Compile()
            : _ => 0;

        public static readonly int Newest = Of(Activator.CreateInstance<T>());
    }
}

/// <summary>A stored row is of a later release.</summary>
public sealed class RowVersionException(string row, int version, int newest)
    : Exception($"A stored {row} is of version {version}, and this program knows version {newest}. A later release wrote it: start that one.");
