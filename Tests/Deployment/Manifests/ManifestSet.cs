using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Rendered manifests: each document as it is, and those of Kubernetes' own kinds as objects.</summary>
internal sealed class ManifestSet
{
    /// <summary>Kinds that other projects define. Their documents are held to their schemas alone.</summary>
    private static readonly string[] s_custom = ["keda.sh/", "monitoring.coreos.com/"];

    private readonly List<IKubernetesObject<V1ObjectMeta>> _objects = [];

    /// <summary>Reads what <c>kubectl kustomize</c> printed.</summary>
    public static ManifestSet Read(string yaml)
    {
        var set = new ManifestSet();
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        set.Documents = [.. stream.Documents.Select(document => ToJson(document.RootNode)!.AsObject())];
        foreach (var (document, text) in set.Documents.Zip(yaml.Split("\n---\n")))
        {
            if (IsCustom(document)) continue;
            try
            {
                set._objects.AddRange(KubernetesYaml.LoadAllFromString(text, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>());
            }
            catch (Exception wrong) when (wrong is YamlException or FormatException or ArgumentException or InvalidCastException or OverflowException)
            {
                set.TypeProblems.Add($"{Name(document)}: {wrong.Message} {wrong.GetBaseException().Message}");
            }
        }

        return set;
    }

    public IReadOnlyList<JsonObject> Documents { get; private set; } = [];

    /// <summary>What the typed client does not take, as a quantity that is none.</summary>
    public List<string> TypeProblems { get; } = [];

    public IEnumerable<T> Of<T>()
        where T : IKubernetesObject<V1ObjectMeta> => _objects.OfType<T>();

    public IEnumerable<JsonObject> Custom(string kind) => Documents.Where(document => IsCustom(document) && (string?)document["kind"] == kind);

    /// <summary>All that makes pods.</summary>
    public IReadOnlyList<Workload> Workloads =>
    [
        .. Of<V1Deployment>().Select(one => new Workload(one.Name(), one.Spec.Template, one.Spec.Selector, [])),
        .. Of<V1StatefulSet>().Select(one => new Workload(one.Name(), one.Spec.Template, one.Spec.Selector, [.. (one.Spec.VolumeClaimTemplates ?? []).Select(claim => claim.Name())])),
    ];

    /// <summary>Kind and name.</summary>
    public static string Name(JsonObject document) => $"{document["kind"]} {document["metadata"]?["name"]}";

    private static bool IsCustom(JsonObject document) => s_custom.Any(((string?)document["apiVersion"] ?? "").StartsWith);

    /// <summary>As Kubernetes reads YAML: plain scalars are numbers, booleans or nothing where they look like it.</summary>
    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(child => KeyValuePair.Create(((YamlScalarNode)child.Key).Value!, ToJson(child.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: var text } => text switch
        {
            null or "" or "null" or "~" => null,
            "true" or "false" => text == "true",
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
            _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
            _ => text,
        },
        YamlScalarNode scalar => scalar.Value,
        _ => throw new FormatException($"{node.GetType().Name} at {node.Start}"),
    };
}

/// <summary>A Deployment or StatefulSet.</summary>
/// <param name="Name">Of the object.</param>
/// <param name="Template">Of its pods.</param>
/// <param name="Selector">By which it knows them.</param>
/// <param name="OwnClaims">Volumes that each pod gets for itself.</param>
internal sealed record Workload(string Name, V1PodTemplateSpec Template, V1LabelSelector Selector, IReadOnlyList<string> OwnClaims)
{
    public V1PodSpec Pod => Template.Spec;

    public IDictionary<string, string> Labels => Template.Metadata.Labels;

    /// <summary>The containers that stay, and before them those that end.</summary>
    public IEnumerable<V1Container> AllContainers => (Pod.InitContainers ?? []).Concat(Pod.Containers);

    /// <summary>Whether it runs a program of ours.</summary>
    public bool IsOurs => Labels.TryGetValue("app.kubernetes.io/name", out var name) && name == "emu3";

    /// <summary><c>control</c>, <c>worker</c>, <c>gateway</c>, <c>database</c>.</summary>
    public string Component => Labels["app.kubernetes.io/component"];
}
