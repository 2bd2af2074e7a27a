using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
public sealed class RowSerializerTests
{
    private static readonly RowSerializer s_rows = new(new ServiceCollection().AddSerializer(serializer => serializer
        .AddAssembly(typeof(ShardRow).Assembly)).BuildServiceProvider().GetRequiredService<Serializer>());

    [Theory]
    [InlineData(1)]
    [InlineData(ShardRow.NewestVersion)]
    public void Row_OfThisReleaseOrAnEarlierOne_IsRead(int version) =>
        Assert.Equal(version, s_rows.Deserialize<ShardRow>(s_rows.Serialize(new ShardRow { SchemaVersion = version }))!.SchemaVersion);

    [Fact]
    public void Row_OfALaterRelease_IsRefused_BeforeItIsWrittenAgainWithoutWhatIsNew()
    {
        var refused = Assert.Throws<RowVersionException>(() => s_rows.Deserialize<ShardRow>(s_rows.Serialize(new ShardRow { SchemaVersion = ShardRow.NewestVersion + 1 })));

        Assert.Contains($"ShardRow is of version {ShardRow.NewestVersion + 1}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void State_WithoutAVersion_IsRead() => Assert.Equal([1, 2], s_rows.Deserialize<int[]>(s_rows.Serialize<int[]>([1, 2]))!);
}
