using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's list of models.</summary>
internal sealed record ModelList(IReadOnlyList<ModelAnswer> Data)
{
    public string Object { get; } = "list";
}

/// <summary>
/// A model that requests may name. OpenAI's fields, then ours: what the model is and what requests take where they say nothing, whether any worker has it
/// loaded (jobs wait for one, other requests don't), how many have, and how many sequences these run at once.
/// </summary>
internal sealed record ModelAnswer(string Id, long Created, string OwnedBy, ModelInfo Emu3, bool Loaded, int Workers, int Slots)
{
    public string Object { get; } = "model";
}

/// <summary>Whether requests can be run now: status <c>ok</c>, <c>no_worker</c> or <c>starting</c>.</summary>
internal sealed record HealthAnswer(string Status, int Workers, string? Model, string? Detail);
