using Emu3.Benchmarks.Processes;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>
/// Volumes as folders of this machine, with the owner and rights that a kubelet gives them. Claims outlive pods; everything else is made anew for each.
/// </summary>
/// <param name="folder">Holds <c>claims</c> and <c>pods</c>. The caller removes it.</param>
/// <param name="objects">Where ConfigMaps, Secrets and claims are.</param>
internal sealed class PodVolumes(string folder, ClusterObjects objects)
{
    /// <summary>Octal 644, as Kubernetes has it.</summary>
    private const int DefaultMode = 0b110_100_100;

    private const int GroupMayRead = 0b100_000;

    /// <summary>A file beside the pod's volumes.</summary>
    public string PathOf(string pod, string file) => Path.Combine(Make("pods", pod), file);

    /// <summary>Makes what is not there yet.</summary>
    /// <returns>Folders by the names of the volumes.</returns>
    /// <exception cref="NotSupportedException">A kind of volume that is not known here.</exception>
    public async Task<IReadOnlyDictionary<string, string>> MakeAsync(PodPlan pod)
    {
        var group = pod.Spec.SecurityContext?.FsGroup ?? 0;
        var folders = new Dictionary<string, string>();
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            folders[volume.Name] = volume switch
            {
                { EmptyDir: not null } => await ShareAsync(Make("pods", pod.Name, volume.Name), group),
                { PersistentVolumeClaim: { } claim } => await ShareAsync(Make("claims", objects.Named<V1PersistentVolumeClaim>(claim.ClaimName).Metadata.Name), group),
                { Secret: { } secret } => await WriteAsync(
                    pod, volume.Name, Chosen(objects.Secret(secret.SecretName), secret.Items), secret.DefaultMode, group),
                { ConfigMap: { } map } => await WriteAsync(
                    pod, volume.Name, Chosen(objects.ConfigMap(map.Name).ToDictionary(entry => entry.Key, entry => System.Text.Encoding.UTF8.GetBytes(entry.Value)), map.Items), map.DefaultMode, group),
                _ => throw new NotSupportedException($"{pod.Name}: the kind of the volume {volume.Name} is not known here."),
            };
        }

        foreach (var claim in pod.ClaimTemplates) folders[claim] = await ShareAsync(Make("claims", $"{claim}-{pod.Name}"), group);
        return folders;
    }

    /// <summary>Removes what the pod alone had.</summary>
    public void Remove(string pod)
    {
        if (Path.Combine(folder, "pods", pod) is var path && Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    private string Make(params ReadOnlySpan<string> parts) => Directory.CreateDirectory(Path.Combine([folder, .. parts])).FullName;

    /// <summary>As fsGroup asks: the group may write, and what is made inside is the group's.</summary>
    private static async Task<string> ShareAsync(string path, long group)
    {
        await SystemCommand.DoAsync("chown", $"0:{group}", path);
        await SystemCommand.DoAsync("chmod", group == 0 ? "0777" : "2775", path);
        return path;
    }

    private async Task<string> WriteAsync(PodPlan pod, string volume, IReadOnlyDictionary<string, byte[]> files, int? mode, long group)
    {
        var path = Make("pods", pod.Name, volume);
        foreach (var (name, bytes) in files)
        {
            var file = Path.Combine(path, name);
            await File.WriteAllBytesAsync(file, bytes);
            await SystemCommand.DoAsync("chown", $"0:{group}", file);
            await SystemCommand.DoAsync("chmod", Convert.ToString((mode ?? DefaultMode) | (group == 0 ? 0 : GroupMayRead), 8), file);
        }

        return path;
    }

    private static IReadOnlyDictionary<string, byte[]> Chosen(IReadOnlyDictionary<string, byte[]> all, IList<V1KeyToPath>? items) =>
        items is null ? all : items.ToDictionary(item => item.Path, item => all[item.Key]);
}

/// <summary>A pod to be run.</summary>
/// <param name="Owner">Name of the Deployment or StatefulSet that it belongs to.</param>
/// <param name="Name">Its own.</param>
/// <param name="Node">The node that it is said to run on.</param>
/// <param name="Labels">By which Services find it.</param>
/// <param name="Spec">What it is made of.</param>
/// <param name="ClaimTemplates">Volumes that belong to this pod by its name.</param>
internal sealed record PodPlan(string Owner, string Name, string Node, IReadOnlyDictionary<string, string> Labels, V1PodSpec Spec, IReadOnlyList<string> ClaimTemplates)
{
    public bool IsSelectedBy(IDictionary<string, string> selector) => selector.All(label => Labels.TryGetValue(label.Key, out var value) && value == label.Value);
}
