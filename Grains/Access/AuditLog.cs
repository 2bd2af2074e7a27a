using Emu3.Grains.Interfaces;
using Emu3.Storage;

namespace Emu3.Grains.Access;

/// <summary>See <see cref="IAuditLog"/>. One act after the other: they are rare.</summary>
public sealed class AuditLog(
    [PersistentState("auditlog", ClusterProviders.GrainStorage)] IPersistentState<AuditLogState> row) : Grain, IAuditLog
{
    public async Task Append(AuditEntry entry)
    {
        var state = row.State;
        if (state.IsFull)
        {
            await GrainFactory.GetGrain<IAuditPage>(IAuditPage.KeyOf(state.First / IAuditPage.Size)).Write(state.OldestPage());
            state = state.WithoutOldestPage();
        }

        state = state.With(entry);
        if (ReferenceEquals(state, row.State)) return;
        var stored = row.State;
        row.State = state;
        try
        {
            await row.WriteStateAsync();
        }
        catch (Exception failure)
        {
            // Nothing is told from what may not be on disk; the next activation reads what is.
            row.State = stored;
            DeactivateOnIdle();
            throw new StateLostException(failure.Message);
        }
    }

    public async Task<AuditRecord[]> Read(long? before, int most)
    {
        var state = row.State;
        var end = Math.Min(before ?? long.MaxValue, state.First + state.Entries.Count);
        if (end <= 0 || most <= 0) return [];
        if (end > state.First) return state.Before(end, most);
        var records = await GrainFactory.GetGrain<IAuditPage>(IAuditPage.KeyOf((end - 1) / IAuditPage.Size)).Read();
        return [.. records.Reverse().Where(record => record.Number < end).Take(most)];
    }
}

/// <summary>See <see cref="IAuditPage"/>.</summary>
public sealed class AuditPage(
    [PersistentState("auditpage", ClusterProviders.GrainStorage)] IPersistentState<AuditPageRow> row) : Grain, IAuditPage
{
    public async Task Write(AuditRecord[] records)
    {
        row.State = new() { Records = records };
        try
        {
            await row.WriteStateAsync();
        }
        catch (Exception failure)
        {
            DeactivateOnIdle();
            throw new StateLostException(failure.Message);
        }
    }

    public Task<AuditRecord[]> Read() => Task.FromResult(row.State.Records);
}
