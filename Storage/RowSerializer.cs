using System.Linq.Expressions;
using System.Reflection;
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
    public T? Deserialize<T>(BinaryData input)
    {
        var row = _rows.Deserialize<T>(input);
        if (row is not null && Versions<T>.Of(row) is var version && version > Versions<T>.Newest) throw new RowVersionException(typeof(T).Name, version, Versions<T>.Newest);
        return row;
    }

    /// <summary>States of Orleans' own have no version.</summary>
    private static class Versions<T>
    {
        private static readonly PropertyInfo? s_property = typeof(T).GetProperty("SchemaVersion");

        public static readonly Func<T, int> Of = s_property is null || Expression.Parameter(typeof(T)) is not { } row
            ? _ => 0
            : Expression.Lambda<Func<T, int>>(Expression.Property(row, s_property), row).Compile();

        public static readonly int Newest = s_property is null ? 0 : Of(Activator.CreateInstance<T>());
    }
}

/// <summary>A stored row is of a later release.</summary>
public sealed class RowVersionException(string row, int version, int newest)
    : Exception($"A stored {row} is of version {version}, and this program knows version {newest}. A later release wrote it: start that one.");
