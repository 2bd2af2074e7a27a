using System.Security.Cryptography;
using System.Text;

namespace Emu3.Grains.Interfaces;

/// <summary>
/// Pictures that workers of one numeric class made of late, for idle ones to make again: where two devices give one request different tokens, one of them
/// computes wrongly. Kept in memory alone. Its key: <see cref="KeyOf"/>.
/// </summary>
[Alias("emu3.ICanaryBoard")]
public interface ICanaryBoard : IGrainWithStringKey
{
    /// <summary>A picture was made. The last 64 are kept.</summary>
    [Alias("Post")] Task Post(CanaryPicture picture);

    /// <summary>One that this device was not given before, one that another device made if there is any; null when there is none.</summary>
    [Alias("Draw")] Task<CanaryPicture?> Draw(string device);

    /// <summary>The board of all workers whose tokens must be the same.</summary>
    static string KeyOf(string numericClass, string weightsHash) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{numericClass}\n{weightsHash}")));
}

/// <summary>A picture that can be made again: what was asked for, and what came of it.</summary>
/// <param name="Item">Job and index, for logs.</param>
/// <param name="Spec">What to make.</param>
/// <param name="TokensHash">As in <see cref="ItemResult.TokensHash"/>.</param>
/// <param name="Device">That made it; see <see cref="WorkerInfo.Device"/>.</param>
[GenerateSerializer, Immutable, Alias("emu3.CanaryPicture")]
public sealed record CanaryPicture(
    [property: Id(0)] string Item, [property: Id(1)] ItemSpec Spec, [property: Id(2)] byte[] TokensHash, [property: Id(3)] string Device);
