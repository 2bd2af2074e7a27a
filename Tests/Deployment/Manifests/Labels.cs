using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Whether labels meet a selector, as Kubernetes decides it.</summary>
internal static class Labels
{
    public static bool Meets(this IDictionary<string, string> labels, IDictionary<string, string> selector) =>
        selector.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value);

    /// <param name="labels">Of a pod or a namespace.</param>
    /// <param name="selector">An empty one is met by all.</param>
    public static bool Meets(this IDictionary<string, string> labels, V1LabelSelector selector) =>
        labels.Meets(selector.MatchLabels ?? new Dictionary<string, string>()) && (selector.MatchExpressions ?? []).All(wanted => Meets(labels, wanted));

    private static bool Meets(IDictionary<string, string> labels, V1LabelSelectorRequirement wanted)
    {
        var value = labels.TryGetValue(wanted.Key, out var found) ? found : null;
        return wanted.OperatorProperty switch
        {
            "In" => value is not null && wanted.Values.Contains(value),
            "NotIn" => value is null || !wanted.Values.Contains(value),
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            var unknown => throw new FormatException($"There is no operator {unknown}."),
        };
    }
}
