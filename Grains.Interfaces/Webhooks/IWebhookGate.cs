namespace Emu3.Grains.Interfaces;

/// <summary>
/// Says where notices may go, before a job is accepted: control silos send them, so their configuration alone decides. Key 0.
/// </summary>
[Alias("emu3.IWebhookGate")]
public interface IWebhookGate : IGrainWithIntegerKey
{
    /// <summary>What is wrong with an address, for the person who wrote it; null when nothing is. What a host's name means is only seen when a notice is sent.</summary>
    [Alias("Check")] Task<string?> Check(string url);
}
