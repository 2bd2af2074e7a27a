using System.Text;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>The environment of a container, made as a kubelet makes it. Data in, data out.</summary>
internal static partial class ContainerEnvironment
{
    /// <summary>First what the sources hold, a later one before an earlier; then the variables that are named, in their order.</summary>
    /// <exception cref="NotSupportedException">A kind of source that is not known here.</exception>
    /// <exception cref="KeyNotFoundException">What it refers to is not there: the container does not start.</exception>
    public static IReadOnlyDictionary<string, string> Of(V1Container container, ClusterObjects objects, PodFields fields)
    {
        var all = new Dictionary<string, string>();
        foreach (var source in container.EnvFrom ?? [])
        {
            var map = source.ConfigMapRef ?? throw new NotSupportedException($"{container.Name}: an envFrom that is not of a ConfigMap.");
            foreach (var (key, value) in objects.ConfigMap(map.Name)) all[key] = value;
        }

        foreach (var variable in container.Env ?? []) all[variable.Name] = ValueOf(variable, all, objects, fields);
        return all;
    }

    /// <summary><c>$(NAME)</c> becomes the value of a variable that was named before, and stays as it is when there is none; <c>$$</c> is a dollar sign.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> known) =>
        Reference().Replace(text, found => found.Value == "$$" ? "$" : known.TryGetValue(found.Groups["name"].Value, out var value) ? value : found.Value);

    private static string ValueOf(V1EnvVar variable, Dictionary<string, string> known, ClusterObjects objects, PodFields fields) => variable.ValueFrom switch
    {
        null => Expand(variable.Value ?? "", known),
        { FieldRef: { } field } => fields.Read(field.FieldPath),
        { ConfigMapKeyRef: { } key } => objects.ConfigMap(key.Name)[key.Key],
        { SecretKeyRef: { } key } => Encoding.UTF8.GetString(objects.Secret(key.Name)[key.Key]),
        _ => throw new NotSupportedException($"{variable.Name}: a valueFrom that is not known here."),
    };

    [GeneratedRegex(@"\$\$|\$\((?<name>[A-Za-z_.][A-Za-z0-9_.-]*)\)")]
    private static partial Regex Reference();
}

/// <summary>What a pod may ask of itself.</summary>
internal sealed record PodFields(string Name, string Namespace, string Address, string Node)
{
    /// <exception cref="NotSupportedException">Another field.</exception>
    public string Read(string path) => path switch
    {
        "metadata.name" => Name,
        "metadata.namespace" => Namespace,
        "status.podIP" => Address,
        "spec.nodeName" => Node,
        _ => throw new NotSupportedException($"A fieldRef to {path} is not known here."),
    };
}
