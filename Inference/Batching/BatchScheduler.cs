namespace Emu3.Inference.Batching;

/// <summary>
/// Decides what each step computes: who gets slots, which rows are fed, which tokens are drawn. Integers only.
/// First come, first served, and nobody overtakes: a sequence that needs two slots is not starved by those that need one.
/// </summary>
/// <param name="slots">All free.</param>
/// <param name="prefillChunk">Prompt rows of one step at most, over all sequences. The last row of a prompt, which draws, is not counted.</param>
/// <param name="policy">How many tokens a sequence tries to draw in a step.</param>
public sealed class BatchScheduler(SlotPool slots, int prefillChunk, IWindowPolicy policy)
{
    private const int SequenceMemory = 32, CommonMemory = 512; // steps with guesses; a picture's sky and its trees are guessed differently well

    private readonly DraftAcceptance pictures = new(exponent: 0.4, CommonMemory);
    private readonly DraftAcceptance texts = new(exponent: 0.2, CommonMemory);
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
        sequence.Acceptance = new DraftAcceptance(AcceptanceOf(sequence).Exponent, SequenceMemory);
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

    /// <summary>The next step; null when nothing runs. A step that fails can be planned again.</summary>
    public BatchPlan? Plan()
    {
        if (running.Count == 0)
            return null;
        var plan = new BatchPlan();
        var budget = prefillChunk;
        List<Sequence> drawing = [];
        var rows = 0; // of those that draw, without prompts: a long one is no reason for long windows beside it
        Span<int> counts = stackalloc int[2];
        foreach (var sequence in running)
        {
            var isReady = true;
            for (var i = 0; i < sequence.Branches.Count; i++)
            {
                var missing = sequence.TokenCount(sequence.Branches[i]) - 1 - sequence.Branches[i].CachedCount; // the last token's row is not counted
                counts[i] = sequence.HasDrawn ? missing : Math.Min(missing, budget);
                budget -= sequence.HasDrawn ? 0 : counts[i];
                isReady &= counts[i] == missing;
            }
            // Logits live for one step: the last rows of both branches are fed in the same one.
            if (isReady)
                drawing.Add(sequence);
            for (var i = 0; i < sequence.Branches.Count; i++)
                if (isReady)
                    rows += 1 + (sequence.HasDrawn ? counts[i] : 0);
                else
                    plan.Prefill(sequence, sequence.Branches[i], counts[i]);
        }
        if (drawing.Count > 0)
            PlanDraws(plan, drawing, rows);
        return plan;
    }

    private void PlanDraws(BatchPlan plan, List<Sequence> drawing, int rows)
    {
        foreach (var sequence in drawing)
            sequence.Guess(policy.LongestWindow);
        var windows = new int[drawing.Count];
        policy.Choose([.. drawing.Select(sequence => new WindowCandidate(sequence.PossibleDraws, sequence.Branches.Count, sequence.Acceptance.Exponent))], rows, windows);
        for (var i = 0; i < windows.Length; i++)
            plan.Draw(drawing[i], windows[i]);
    }

    /// <summary>Takes in what a step computed. Sequences that were removed since it was planned are passed over.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="tokens">Drawn ones, in the order of <see cref="BatchPlan.Draws"/>; null where the logits are not finite numbers.</param>
    public StepOutcome Commit(BatchPlan plan, ReadOnlySpan<int?> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, plan.Draws.Count);
        foreach (var (branch, cachedCount) in plan.Prefilled)
            branch.CachedCount = cachedCount;
        List<Sequence> finished = [], broken = [];
        var accepted = 0;
        for (int from = 0, to; from < tokens.Length; from = to)
        {
            var sequence = plan.Draws[from].Sequence;
            for (to = from + 1; to < tokens.Length && plan.Draws[to].Sequence == sequence;)
                to++;
            if (sequence.Branches[0].Slot < 0)
                continue;
            var (count, isBroken) = CommitWindow(plan, from, tokens[from..to]);
            accepted += Math.Max(0, count - 1);
            if (isBroken)
                broken.Add(sequence);
            else if (sequence.IsFinished)
                finished.Add(sequence);
        }
        finished.ForEach(Remove);
        return new StepOutcome(finished, broken, accepted);
    }

    /// <summary>
    /// Commits the draws of a sequence up to the first that differs from the guess that was fed behind it: up to there every draw saw the sequence's own tokens.
    /// Keys and values behind it are never read: the rows that come next are fed at the same positions.
    /// </summary>
    /// <returns>Draws that became tokens, and whether the next one could not be drawn.</returns>
    private (int Count, bool IsBroken) CommitWindow(BatchPlan plan, int first, ReadOnlySpan<int?> tokens)
    {
        var (sequence, count) = (plan.Draws[first].Sequence, 0);
        for (var isRight = true; count < tokens.Length && isRight && !sequence.IsFinished; count++)
        {
            if (tokens[count] is not { } token)
                return (count, true);
            var draw = plan.Draws[first + count];
            sequence.Append(token);
            foreach (var branch in sequence.Branches)
                branch.CachedCount = branch.Prompt.Count + draw.Index;
            isRight = count + 1 < tokens.Length && plan.Rows[draw.ConditionalRow + 1].Token == token;
        }
        sequence.Acceptance.Observe(tokens.Length, count);
        AcceptanceOf(sequence).Observe(tokens.Length, count);
        for (var i = count; i < tokens.Length; i++)
            if (tokens[i] is { } token)
                sequence.Learn(plan.Draws[first + i].Index, token);
        return (count, false);
    }

    private DraftAcceptance AcceptanceOf(Sequence sequence) => sequence.Rules.IsVisual ? pictures : texts;

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
