namespace Emu3.Tests.Deployment.Manifests;

/// <summary>All that is checked of rendered manifests, by name. Each tells what is wrong, in sentences; nothing when all is well.</summary>
internal static class ManifestChecks
{
    public static IReadOnlyDictionary<string, Func<ManifestSet, IEnumerable<string>>> All { get; } = new Dictionary<string, Func<ManifestSet, IEnumerable<string>>>
    {
        [nameof(ManifestSchemas)] = ManifestSchemas.Check,
        [nameof(ManifestSet.TypeProblems)] = set => set.TypeProblems,
        [nameof(References)] = References.Check,
        [nameof(Selectors)] = Selectors.Check,
        [nameof(Flows)] = Flows.Check,
        [nameof(PodSecurity)] = PodSecurity.Check,
        [nameof(Images)] = Images.Check,
        [nameof(Settings)] = Settings.Check,
        [nameof(Settings.CheckArguments)] = Settings.CheckArguments,
        [nameof(Lifetimes)] = Lifetimes.Check,
    };
}
