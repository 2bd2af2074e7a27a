namespace Emu3.Gateway.Access;

/// <summary>Who makes this request. One a request; everything that reads or makes something does so for the caller's tenant.</summary>
internal sealed class Caller
{
    /// <summary>Whose jobs a gateway without keys files.</summary>
    public const string Anonymous = "default";

    /// <summary>What belongs to another is not there.</summary>
    public string Tenant { get; private set; } = Anonymous;

    /// <summary>The request has shown a key.</summary>
    public void Become(string tenant) => Tenant = tenant;
}
