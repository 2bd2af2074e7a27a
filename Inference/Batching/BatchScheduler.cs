namespace Emu3.Inference.Batching;

/// <summary>
/// Decides what each step computes: who gets slots, which rows are fed, which tokens are drawn. Integers only.
/// First come, first served, and nobody overtakes: a sequence that needs two slots is not starved by those that need one.
/// </summary>
/// <param name="slots">All free.</param>
/// <param name="prefillChunk">Prompt rows of one step at most, over all sequences. The last row of a prompt, which draws, is not counted.</param>
public sealed class BatchScheduler(SlotPool slots, int prefillChunk)
{
    private readonly LinkedList<Sequence> waiting = [];
    private readonly List<Sequence> running = [];

    /// <summary>Sequences with slots.</summary>
    public int RunningCount => running.Count;

    /// <summary>Sequences without.</summary>
    public int WaitingCount => waiting.Count;

    /// <summary>Whether a sequence waits or runs here.</summary>
    public bool Contains(Sequence sequence) => running.Contains(sequence) || waiting.Contains(sequence);

    /// <summary>Puts a sequence, which must not be finished, at the end of the queue.</summary>
    public void Add(Sequence sequence)
    {
        if (sequence.IsFinished)
            throw new ArgumentException("Nothing is left to generate.", nameof(sequence));
        if (sequence.Branches.Count > slots.Count)
            throw new ArgumentException($"The sequence needs {sequence.Branches.Count} slots, there are {slots.Count}.", nameof(sequence));
        waiting.AddLast(sequence);
    }

    /// <summary>Gives slots to those who wait, in their order, while there are enough.</summary>
    /// <returns>Those who got theirs.</returns>
    public IReadOnlyList<Sequence> Admit()
    {
        List<Sequence> admitted = [];
        while (waiting.First?.Value is { } next && next.Branches.Count <= slots.FreeCount)
        {
            waiting.RemoveFirst();
            foreach (var branch in next.Branches)
                branch.Slot = slots.Take();
            running.Add(next);
            admitted.Add(next);
        }
        return admitted;
    }

    /// <summary>The next step; null when nothing runs. Changes nothing: a step that fails can be planned again.</summary>
    public BatchPlan? Plan()
    {
        if (running.Count == 0)
            return null;
        var plan = new BatchPlan();
        var budget = prefillChunk;
        Span<int> next = stackalloc int[2]; // positions of the branches behind what is planned
        foreach (var sequence in running)
        {
            var isReady = true;
            for (var i = 0; i < sequence.Branches.Count; i++)
            {
                var branch = sequence.Branches[i];
                var missing = sequence.TokenCount(branch) - 1 - branch.CachedCount; // the last token's row comes below
                var count = sequence.HasDrawn ? missing : Math.Min(missing, budget);
                budget -= sequence.HasDrawn ? 0 : count;
                plan.Add(sequence, branch, branch.CachedCount, count);
                next[i] = branch.CachedCount + count;
                isReady &= count == missing;
            }
            // Logits live for one step: the last rows of both branches are fed in the same one.
            if (isReady)
                PlanDraw(plan, sequence, next);
        }
        return plan;
    }

    private static void PlanDraw(BatchPlan plan, Sequence sequence, ReadOnlySpan<int> next)
    {
        var conditional = plan.Add(sequence, sequence.Branches[0], next[0], 1);
        var unconditional = sequence.Branches.Count == 2 ? plan.Add(sequence, sequence.Branches[1], next[1], 1) : -1;
        plan.Draw(sequence, conditional, unconditional);
    }

    /// <summary>Takes in what a step computed. Sequences that were removed since it was planned are passed over.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="tokens">Drawn ones, in the order of <see cref="BatchPlan.Draws"/>; null where the logits are not finite numbers.</param>
    public StepOutcome Commit(BatchPlan plan, ReadOnlySpan<int?> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, plan.Draws.Count);
        foreach (var (branch, count) in plan.Advances)
            branch.CachedCount += count;
        List<Sequence> finished = [], broken = [];
        for (var i = 0; i < tokens.Length; i++)
        {
            var sequence = plan.Draws[i].Sequence;
            if (sequence.Branches[0].Slot < 0)
                continue;
            if (tokens[i] is not { } token)
            {
                broken.Add(sequence);
                continue;
            }
            sequence.Append(token);
            if (sequence.IsFinished)
                finished.Add(sequence);
        }
        finished.ForEach(Remove);
        return new StepOutcome(finished, broken);
    }

    /// <summary>Takes a sequence out, finished or not, and frees its slots.</summary>
    public void Remove(Sequence sequence)
    {
        if (!running.Remove(sequence) && !waiting.Remove(sequence))
            throw new InvalidOperationException("The sequence is not here.");
        foreach (var branch in sequence.Branches.Where(branch => branch.Slot >= 0))
        {
            slots.Return(branch.Slot);
            branch.Slot = -1;
        }
    }
}
