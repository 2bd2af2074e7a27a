namespace Emu3.Grains.Interfaces;

/// <summary>What admins did, for ever. The newest acts are with this grain, older ones in pages (<see cref="IAuditPage"/>). Key 0.</summary>
[Alias("emu3.IAuditLog")]
public interface IAuditLog : IGrainWithIntegerKey
{
    /// <summary>Durable when it returns. Idempotent by the act's id, as long as some hundred others have not followed.</summary>
    [Alias("Append")] Task Append(AuditEntry entry);

    /// <summary>Acts with smaller numbers than that, newest first.</summary>
    /// <param name="before">Null for the newest.</param>
    /// <param name="most">Acts at most; fewer may come where more follow, none only at the end.</param>
    [Alias("Read")] Task<AuditRecord[]> Read(long? before, int most);
}

/// <summary>Acts of the audit log that are no longer the newest. Called by <see cref="IAuditLog"/> alone. Key: <see cref="KeyOf"/>.</summary>
[Alias("emu3.IAuditPage")]
public interface IAuditPage : IGrainWithStringKey
{
    /// <summary>Acts in one page.</summary>
    public const int Size = 256;

    public static string KeyOf(long page) => $"page/{page}";

    /// <summary>Durable when it returns. The same page may be written again.</summary>
    [Alias("Write")] Task Write(AuditRecord[] records);

    /// <summary>Oldest first.</summary>
    [Alias("Read")] Task<AuditRecord[]> Read();
}

/// <summary>One act of an admin. It is recorded before it is done: an act that then failed is in the log too.</summary>
[GenerateSerializer, Immutable, Alias("emu3.AuditEntry")]
public sealed record AuditEntry
{
    /// <summary>Of the request: its <c>x-request-id</c>.</summary>
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required DateTimeOffset At { get; init; }

    /// <summary>Id of the key that was shown; <c>bootstrap</c> for the one of the mounted file, <c>anonymous</c> where none is asked for.</summary>
    [Id(2)] public required string Actor { get; init; }

    /// <summary>Tenant of that key.</summary>
    [Id(3)] public required string Tenant { get; init; }

    /// <summary>For example <c>key.create</c>.</summary>
    [Id(4)] public required string Act { get; init; }

    /// <summary>What it was done to.</summary>
    [Id(5)] public required string Target { get; init; }

    /// <summary>With what; never a secret.</summary>
    [Id(6)] public string Detail { get; init; } = "";

    /// <summary>Network address that the request came from.</summary>
    [Id(7)] public string Address { get; init; } = "";
}

/// <summary>An act in its place.</summary>
/// <param name="Number">Counted from 0, without gaps.</param>
/// <param name="Entry">What was done.</param>
[GenerateSerializer, Immutable, Alias("emu3.AuditRecord")]
public sealed record AuditRecord([property: Id(0)] long Number, [property: Id(1)] AuditEntry Entry);
