namespace Emu3.Inference.Batching;

/// <summary>
/// Seconds that a step takes, by its number of rows: measured at a few numbers, straight lines between, several passes where one is full, and corrected by
/// the steps that really run.
/// </summary>
public sealed class PassCosts
{
    private const double OwnRate = 0.2; // of an error that goes into the numbers of rows beside it
    private const double CommonRate = 0.05; // that goes into all: another process takes a core, a processor's clock changes
    private const double Fading = 0.998; // of the own correction with every step: what was bad once is tried again
    private const double LargestError = 2; // a step can be held up by anything

    private readonly int[] rows;
    private readonly double[] measured; // logarithms
    private readonly double[] corrections;
    private readonly double[] seconds; // never falling
    private double common;

    /// <param name="measured">Rows, ascending, and the seconds of a step. At least one; all positive.</param>
    /// <param name="rowsPerPass">A step with more runs in several passes.</param>
    public PassCosts(IReadOnlyList<(int Rows, double Seconds)> measured, int rowsPerPass)
    {
        List<(int Rows, double Seconds)> known = [.. measured.Where(pair => pair.Rows <= rowsPerPass)];
        if (known.Count == 0 || known.Any(pair => pair is { Rows: < 1 } or { Seconds: <= 0 }) || known.Zip(known.Skip(1)).Any(pair => pair.Second.Rows <= pair.First.Rows))
            throw new ArgumentException("Costs are measured at one number of rows or more, ascending and positive.", nameof(measured));
        if (known[^1].Rows < rowsPerPass)
            known.Add((rowsPerPass, Extrapolate(known, rowsPerPass)));
        rows = [.. known.Select(pair => pair.Rows)];
        this.measured = [.. known.Select(pair => Math.Log(pair.Seconds))];
        corrections = new double[rows.Length];
        seconds = new double[rows.Length];
        Update();
    }

    /// <summary>Seconds of a step.</summary>
    public double Of(int rows)
    {
        var last = this.rows.Length - 1;
        var (full, rest) = (rows / this.rows[last], rows % this.rows[last]);
        if (rest == 0)
            return full * seconds[last];
        var (index, share) = Place(rest);
        return full * seconds[last] + (1 - share) * seconds[index] + (share > 0 ? share * seconds[index + 1] : 0);
    }

    /// <summary>Takes in a step that ran.</summary>
    public void Observe(int rows, double seconds)
    {
        var error = Math.Log(Math.Clamp(seconds / Of(rows), 1 / LargestError, LargestError));
        for (var i = 0; i < corrections.Length; i++)
            corrections[i] *= Fading;
        var last = this.rows.Length - 1;
        var rest = rows % this.rows[last];
        if (rest == 0 || rows > this.rows[last])
            corrections[last] += OwnRate * error;
        if (rest > 0)
        {
            var (index, share) = Place(rest);
            corrections[index] += OwnRate * (1 - share) * error;
            if (share > 0)
                corrections[index + 1] += OwnRate * share * error;
        }
        common += CommonRate * error;
        Update();
    }

    /// <summary>Where a number of rows lies: behind which measured one, and how far to the next.</summary>
    private (int Index, double Share) Place(int count)
    {
        if (count <= rows[0])
            return (0, 0);
        var index = 0;
        while (rows[index + 1] < count)
            index++;
        return (index, (double)(count - rows[index]) / (rows[index + 1] - rows[index]));
    }

    private void Update()
    {
        var largest = 0.0;
        for (var i = 0; i < rows.Length; i++)
            seconds[i] = largest = Math.Max(largest, Math.Exp(measured[i] + corrections[i] + common));
    }

    /// <summary>On by the last two measured: what a row adds does not fall, and is nothing at the least.</summary>
    private static double Extrapolate(List<(int Rows, double Seconds)> known, int count)
    {
        var (atRows, at) = known[^1];
        var (beforeRows, before) = known.Count > 1 ? known[^2] : (0, 0);
        return at + Math.Max(0, (at - before) / (atRows - beforeRows)) * (count - atRows);
    }
}
