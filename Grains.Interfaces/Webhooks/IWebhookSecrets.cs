namespace Emu3.Grains.Interfaces;

/// <summary>What notices to one tenant are signed with. Key: <see cref="KeyOf"/>.</summary>
[Alias("emu3.IWebhookSecrets")]
public interface IWebhookSecrets : IGrainWithStringKey
{
    /// <summary>Bytes of a secret.</summary>
    const int SecretBytes = 32;

    /// <summary>The key of a tenant's; for its form see <see cref="IJobCatalog.KeyOf"/>.</summary>
    static string KeyOf(string tenant) => $"tenant/{tenant}";

    /// <summary>The secrets; the first is drawn when it is first asked for. Durable when it returns.</summary>
    [Alias("Get")] Task<WebhookSecretSet> Get();

    /// <summary>Puts another secret in the place of the present one, which signs along with it for a while. Idempotent: the same secret again changes nothing.</summary>
    [Alias("Rotate")] Task<WebhookSecretSet> Rotate(byte[] secret);
}

/// <summary>Secrets that sign.</summary>
/// <param name="Current">What receivers are to check with.</param>
/// <param name="Previous">Those that were in its place before, latest first, and sign along until their time is over.</param>
[GenerateSerializer, Immutable, Alias("emu3.WebhookSecretSet")]
public sealed record WebhookSecretSet([property: Id(0)] byte[] Current, [property: Id(1)] PreviousSecret[] Previous);

/// <summary>A secret whose time ends.</summary>
[GenerateSerializer, Immutable, Alias("emu3.PreviousSecret")]
public sealed record PreviousSecret([property: Id(0)] byte[] Secret, [property: Id(1)] DateTimeOffset Until);
