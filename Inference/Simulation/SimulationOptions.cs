using System.ComponentModel.DataAnnotations;

namespace Emu3.Inference.Simulation;

/// <summary>Section <c>Simulation</c>: how fast and how large the engines of kind <c>simulated</c> pretend to be. Ignored by the real ones.</summary>
public sealed class SimulationOptions
{
    /// <summary>Sequences at once; a guided picture takes two. <c>Engine:SlotCount</c> goes first where it is set.</summary>
    [Range(1, 4096)]
    public int SlotCount { get; set; } = 16;

    /// <summary>Time for one token of a sequence, however many run beside it. 0: no time at all.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan TimePerToken { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Tokens that come together, in the time that all of them take. Few large steps make a thousand engines cheap.</summary>
    [Range(1, 1 << 16)]
    public int StepTokens { get; set; } = 8;

    /// <summary>A step takes up to this share longer, by <see cref="JitterSeed"/>, the request's seed and the step.</summary>
    [Range(0.0, 100.0)]
    public double Jitter { get; set; }

    /// <summary>See <see cref="Jitter"/>.</summary>
    public ulong JitterSeed { get; set; }

    /// <summary>Time to make a picture of its tokens; an engine makes one at a time, while the others go on.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan DecodeTime { get; set; }

    /// <summary>Time until the engine is ready.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan LoadTime { get; set; }

    /// <summary>Can draw pictures.</summary>
    public bool CanDraw { get; set; } = true;

    /// <summary>Can answer in text.</summary>
    public bool CanChat { get; set; } = true;

    /// <summary>Pixels to a side of one latent cell.</summary>
    [Range(1, 64)]
    public int SpatialFactor { get; set; } = 8;

    /// <summary>Pixels of a picture when the request does not say.</summary>
    [Range(1, 1 << 26)]
    public int ImageArea { get; set; } = 64 * 64;

    /// <summary>Positions of a sequence at most.</summary>
    [Range(16, 1 << 20)]
    public int MaxPositions { get; set; } = 9216;

    /// <summary>Visual tokens in the vocabulary.</summary>
    [Range(2, 1 << 20)]
    public int CodebookSize { get; set; } = 32768;

    /// <summary>Hash of the weights that there are not. Unset: from the model's name, so that two names are two models.</summary>
    public string? WeightsHash { get; set; }

    /// <summary>The numeric class that results carry. Unset: from the weights' hash, the same on every machine.</summary>
    public string? NumericClass { get; set; }
}
