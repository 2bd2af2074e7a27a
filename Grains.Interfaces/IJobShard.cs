namespace Emu3.Grains.Interfaces;

/// <summary>
/// Up to 256 items of a job: their specs, leases and outcomes. Key: <see cref="JobId.Shard"/>.
/// Items are named by their index in the job; <see cref="Init"/> alone counts from the shard's first item.
/// Every reply awaits a write begun after the state that it reports.
/// </summary>
[Alias("emu3.IJobShard")]
public interface IJobShard : IGrainWithStringKey
{
    /// <summary>
    /// Appends items by their index in the shard; items that are there already are passed over, and must be the same
    /// (<see cref="IdempotencyConflictException"/>). At most 512 KiB a call.
    /// </summary>
    [Alias("Init")] Task Init(JobSpec job, int firstIndex, IReadOnlyList<ItemSpec> items);

    /// <summary>
    /// The job is sealed: items may be leased in this state. Idempotent; where other items arrived before, it throws
    /// <see cref="IdempotencyConflictException"/>.
    /// </summary>
    [Alias("Seal")] Task<ShardProgress> Seal(int itemCount, DesiredState desired);

    /// <summary>Grants up to <paramref name="most"/> pending items to a worker, 512 KiB at most.</summary>
    [Alias("Acquire")] Task<LeaseGrant> Acquire(WorkerId worker, int most);

    /// <summary>Renews the leases that it lists; those it does not list are taken back 5 s after their grant.</summary>
    [Alias("Heartbeat")] Task<HeartbeatReply> Heartbeat(WorkerId worker, IReadOnlyList<HeldItem> held);

    /// <summary>Tokens of a watched item. Returns how many tokens the shard has without a gap: go on from there. −1: the lease is no more.</summary>
    [Alias("Push")] Task<int> Push(WorkerId worker, int item, TokenChunk chunk);

    /// <summary>The item's file is in the blob store.</summary>
    [Alias("Complete")] Task<ReportReply> Complete(WorkerId worker, int item, int epoch, ItemResult result);

    /// <summary>The item can't be done.</summary>
    [Alias("Fail")] Task<ReportReply> Fail(WorkerId worker, int item, int epoch, ItemFailure failure);

    /// <summary>The worker gives items back unharmed (drain, preemption).</summary>
    [Alias("Release")] Task Release(WorkerId worker, IReadOnlyList<HeldItem> items);

    /// <summary>A silo is dead: its workers' leases end at once.</summary>
    [Alias("SiloGone")] Task SiloGone(string silo);

    /// <summary>Applies the job's desired state if it is newer than the shard's, checks leases, and reports to job and dispatcher. Idempotent.</summary>
    [Alias("Reconcile")] Task<ShardProgress> Reconcile(DesiredState desired);

    /// <summary>The dispatcher does not know what the shard has to give: it is told again.</summary>
    [Alias("OfferAgain")] Task OfferAgain();

    /// <summary>Items that have not ended.</summary>
    [Alias("GetStandings")] Task<IReadOnlyList<ItemView>> GetItemViews();

    /// <summary>Whether any item arrived.</summary>
    [Alias("HasItems")] Task<bool> HasItems();

    /// <summary>Outcomes in their durable order, from the given one on.</summary>
    [Alias("ReadOutcomes")] Task<IReadOnlyList<ItemOutcome>> ReadOutcomes(int from, int most);

    /// <summary>What its items used that are done.</summary>
    [Alias("GetUsage")] Task<ItemsUsage> GetUsage();

    /// <summary>One item's last outcome; status Pending or Running while it has not ended. Null when there is no such item.</summary>
    [Alias("GetItem")] Task<ItemOutcome?> GetItem(int item);

    /// <summary>
    /// Items in the order of their indices, from the given one on, as <see cref="GetItem"/> has each: those with the status alone where one is named. At most
    /// <paramref name="most"/>, and no more than fit one message; empty when there are no more.
    /// </summary>
    [Alias("ReadItems")] Task<IReadOnlyList<ItemOutcome>> ReadItems(int from, int most, ItemStatus? only);

    /// <summary>
    /// Tokens of one item from an absolute offset on, as they come; ends when the item has ended and all were told.
    /// Reading makes the item watched; tokens of an item that ended unwatched are not kept, its file has what they say.
    /// </summary>
    [Alias("ReadTokens")] IAsyncEnumerable<TokenChunk> ReadTokens(int item, int from, CancellationToken cancellationToken = default);

    /// <summary>Removes specs and state. Idempotent.</summary>
    [Alias("Delete")] Task Delete();
}
