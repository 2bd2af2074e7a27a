namespace Emu3.Grains.Interfaces;

/// <summary>Secrets that the processes of a cluster share and nobody has to configure. Key 0.</summary>
[Alias("emu3.IClusterSecrets")]
public interface IClusterSecrets : IGrainWithIntegerKey
{
    /// <summary>32 random bytes, drawn when a purpose is first asked for, and then always the same. Durable when it returns.</summary>
    [Alias("Get")] Task<byte[]> Get(string purpose);
}
