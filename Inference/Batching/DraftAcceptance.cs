namespace Emu3.Inference.Batching;

/// <summary>
/// How many tokens a step commits for a window of guesses: window^exponent on average. 0 is no guess ever right, 1 all of them; emu3-tiny's pictures have
/// about 0.65 for every window up to 24 (Benchmarks/results/parallel-widths.md, for guidance 3). A longer window also lets guesses ripen from step to step, so that the first
/// guesses get better with it: a chance of each guess alone would not say that.
/// </summary>
/// <param name="exponent">Believed before anything is seen, and again after a long time without guesses.</param>
/// <param name="memory">Steps with guesses that count.</param>
public sealed class DraftAcceptance(double exponent, double memory)
{
    private const double PriorWeight = 12; // about three windows of eight
    private const double StepsToForget = 1000; // without guesses: a bad stretch is no reason never to guess again

    private readonly double prior = exponent;
    private double weight = PriorWeight;

    /// <summary>0 to 1.</summary>
    public double Exponent { get; private set; } = exponent;

    /// <summary>Takes in what became of a step.</summary>
    /// <param name="window">Draws.</param>
    /// <param name="committed">Of them, those that became tokens, from 1.</param>
    public void Observe(int window, int committed)
    {
        if (window == 1)
        {
            Exponent += (prior - Exponent) / StepsToForget;
            return;
        }
        // Least squares for the exponent by Newton's step, errors taken relative to what was expected, older ones fading.
        var slope = Math.Log(window);
        weight = weight * (1 - 1 / memory) + slope * slope;
        Exponent = Math.Clamp(Exponent + slope / weight * (committed / Math.Pow(window, Exponent) - 1), 0, 1);
    }
}
