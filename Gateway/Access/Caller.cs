using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Access;

/// <summary>Who makes this request. One a request; everything that reads or makes something does so for the caller's tenant.</summary>
internal sealed class Caller
{
    /// <summary>Whose jobs a gateway without keys files.</summary>
    public const string Anonymous = "default";

    /// <summary>Name of the key in the mounted file, where the ids of others stand.</summary>
    public const string Bootstrap = "bootstrap";

    /// <summary>What belongs to another is not there.</summary>
    public string Tenant { get; private set; } = Anonymous;

    /// <summary>Id of the key that was shown; <see cref="Bootstrap"/> for the one of the mounted file; null where none is asked for.</summary>
    public string? KeyId { get; private set; }

    /// <summary>The key that was shown, where it is one of the ring.</summary>
    public ApiKey? Key { get; private set; }

    /// <summary>May make and revoke keys, and give devices back their work.</summary>
    public bool IsAdmin { get; private set; }

    /// <summary>Name of the request.</summary>
    public string Request { get; set; } = "";

    /// <summary>What its key may still ask for, once that was found out; told with the answer.</summary>
    public RateLimit? Limit { get; set; }

    /// <summary>Something else stands for the caller: a signed address, or a record of what was asked for under a key.</summary>
    public void Become(string tenant, string? keyId = null) => (Tenant, KeyId) = (tenant, keyId);

    /// <summary>The request has shown a key of the ring.</summary>
    public void Become(ApiKey key) => (Tenant, KeyId, Key, IsAdmin) = (key.Tenant, key.Id, key, key.Role == KeyRole.Admin);

    /// <summary>The request has shown the key of the mounted file.</summary>
    public void BecomeBootstrap() => (KeyId, IsAdmin) = (Bootstrap, true);

    /// <summary>No key is asked for: anyone on this machine may do anything.</summary>
    public void BecomeAnyone() => IsAdmin = true;
}
