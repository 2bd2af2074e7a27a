using Emu3.Grains.Access;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Access;

[Trait("Suite", "Fast")]
public sealed class AuditLogStateTests
{
    [Fact]
    public void With_TheSameActAgain_ChangesNothing()
    {
        var state = new AuditLogState().With(Entry(0));

        Assert.Same(state, state.With(Entry(0)));
    }

    [Fact]
    public void Pages_AreCutFromTheOldEnd_AndNumbersGoOn()
    {
        var state = Enumerable.Range(0, 2 * IAuditPage.Size).Aggregate(new AuditLogState(), (before, number) => before.With(Entry(number)));
        Assert.True(state.IsFull);
        var page = state.OldestPage();
        state = state.WithoutOldestPage();

        Assert.Equal(Enumerable.Range(0, IAuditPage.Size).Select(number => new AuditRecord(number, Entry(number))), page);
        Assert.Equal(IAuditPage.Size, state.First);
        Assert.False(state.IsFull);
        Assert.Equal([511, 510, 509], state.Before(long.MaxValue, 3).Select(record => record.Number));
        Assert.Equal([257, 256], state.Before(258, 3).Select(record => record.Number));
        Assert.Empty(state.Before(256, 3));
        Assert.Equal(Entry(300), Assert.Single(state.Before(301, 1)).Entry);
    }

    private static AuditEntry Entry(int number) => new()
    {
        Id = $"req_{number}",
        At = DateTimeOffset.UnixEpoch,
        Actor = "bootstrap",
        Tenant = "default",
        Act = "key.create",
        Target = $"key_{number}",
    };
}
