namespace Emu3.Cli;

/// <summary>What webhooks are signed with, as the gateway tells it.</summary>
internal sealed record WebhookSecretInfo(string Secret, IReadOnlyList<PreviousSecretInfo> Previous);

/// <summary>An old secret that signs along until then, in Unix seconds.</summary>
internal sealed record PreviousSecretInfo(string Secret, long ValidUntil);
