namespace Emu3.Grains.Interfaces;

/// <summary>The pictures that one key asked for within the last hour. Key: the key's id.</summary>
[Alias("emu3.IKeyMeter")]
public interface IKeyMeter : IGrainWithStringKey
{
    /// <summary>Counts pictures, if they are within the limit. Durable when it returns. Idempotent by request, as long as some dozen others have not followed.</summary>
    /// <param name="images">Pictures.</param>
    /// <param name="limit">Pictures an hour.</param>
    /// <param name="request">Names the request.</param>
    [Alias("Take")] Task<MeterReading> Take(int images, int limit, string request);
}

/// <summary>How a meter stands after it was asked.</summary>
/// <param name="IsTaken">The pictures are counted; else they were too many.</param>
/// <param name="Used">Pictures of the last hour.</param>
/// <param name="FitsAfter">When as many would be within the limit; nothing when they were.</param>
/// <param name="EmptyAfter">When all of them will be longer ago than an hour.</param>
[GenerateSerializer, Immutable, Alias("emu3.MeterReading")]
public readonly record struct MeterReading(
    [property: Id(0)] bool IsTaken, [property: Id(1)] int Used, [property: Id(2)] TimeSpan FitsAfter, [property: Id(3)] TimeSpan EmptyAfter);
