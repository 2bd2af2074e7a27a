using System.Text;
using k8s;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>The objects of a rendered overlay, found by their kind and name.</summary>
internal sealed class ClusterObjects
{
    /// <summary>What a cluster does with these, a machine alone does not: they say who may reach whom, how many may be away, who may do what.</summary>
    private static readonly HashSet<Type> s_elsewhere = [typeof(V1NetworkPolicy), typeof(V1PodDisruptionBudget), typeof(V1ServiceAccount), typeof(V1Namespace)];
    private static readonly HashSet<Type> s_here =
        [typeof(V1Deployment), typeof(V1StatefulSet), typeof(V1Service), typeof(V1ConfigMap), typeof(V1Secret), typeof(V1PersistentVolumeClaim)];

    private readonly IReadOnlyList<IKubernetesObject<V1ObjectMeta>> _all;

    /// <exception cref="NotSupportedException">A kind that is not known here.</exception>
    public ClusterObjects(IEnumerable<object> objects)
    {
        _all = [.. objects.Cast<IKubernetesObject<V1ObjectMeta>>()];
        foreach (var one in _all)
        {
            if (!s_here.Contains(one.GetType()) && !s_elsewhere.Contains(one.GetType()))
                throw new NotSupportedException($"{one.Kind}/{one.Metadata.Name}: this kind is not known here.");
        }
    }

    /// <summary>Reads documents of YAML; a field that Kubernetes does not have is an error.</summary>
    public static ClusterObjects Read(string yaml) => new(KubernetesYaml.LoadAllFromString(yaml, strict: true));

    public IEnumerable<T> All<T>() => _all.OfType<T>();

    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public IReadOnlyDictionary<string, string> ConfigMap(string name) => Named<V1ConfigMap>(name).Data.AsReadOnly();

    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public IReadOnlyDictionary<string, byte[]> Secret(string name)
    {
        var secret = Named<V1Secret>(name);
        var texts = (secret.StringData ?? new Dictionary<string, string>()).Select(text => KeyValuePair.Create(text.Key, Encoding.UTF8.GetBytes(text.Value)));
        return (secret.Data ?? new Dictionary<string, byte[]>()).Concat(texts).ToDictionary();
    }

    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public T Named<T>(string name) where T : IKubernetesObject<V1ObjectMeta> =>
        All<T>().FirstOrDefault(one => one.Metadata.Name == name) ?? throw new KeyNotFoundException($"There is no {typeof(T).Name[2..]} {name}.");
}
