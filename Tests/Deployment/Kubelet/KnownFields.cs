using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>
/// The fields of manifests that this kubelet carries out, and those that are a matter of the cluster around it. Any other is refused: a manifest
/// that asks for more than is done here proves nothing by running here.
/// </summary>
internal static class KnownFields
{
    /// <summary>Where a pod runs, beside what, and as whom towards the API: nothing of how it runs.</summary>
    private const string Elsewhere = """
        serviceAccountName automountServiceAccountToken enableServiceLinks tolerations nodeSelector affinity.* topologySpreadConstraints.* priorityClassName
        """;

    private const string PodSpec = """
        terminationGracePeriodSeconds
        securityContext.runAsNonRoot securityContext.runAsUser securityContext.runAsGroup securityContext.fsGroup securityContext.fsGroupChangePolicy
        securityContext.seccompProfile.type
        volumes.name volumes.emptyDir volumes.persistentVolumeClaim.claimName volumes.persistentVolumeClaim.readOnly
        volumes.secret.secretName volumes.secret.defaultMode volumes.secret.items.key volumes.secret.items.path
        volumes.configMap.name volumes.configMap.defaultMode volumes.configMap.items.key volumes.configMap.items.path
        """;

    private const string Container = """
        name image imagePullPolicy command args
        env.name env.value env.valueFrom.fieldRef.fieldPath env.valueFrom.fieldRef.apiVersion
        env.valueFrom.configMapKeyRef.name env.valueFrom.configMapKeyRef.key env.valueFrom.secretKeyRef.name env.valueFrom.secretKeyRef.key
        envFrom.configMapRef.name
        ports.name ports.containerPort ports.protocol
        resources.requests.* resources.limits.memory resources.limits.cpu
        securityContext.allowPrivilegeEscalation securityContext.readOnlyRootFilesystem securityContext.capabilities.drop
        securityContext.runAsUser securityContext.runAsGroup securityContext.runAsNonRoot
        volumeMounts.name volumeMounts.mountPath volumeMounts.readOnly volumeMounts.subPath
        """;

    private const string Probe = """
        httpGet.path httpGet.port httpGet.scheme tcpSocket.port initialDelaySeconds periodSeconds timeoutSeconds successThreshold failureThreshold
        """;

    private static readonly HashSet<string> s_pod =
    [
        .. Words(Elsewhere), .. Words(PodSpec),
        .. Words(Container).Select(field => $"containers.{field}"),
        .. Words(Container).Select(field => $"initContainers.{field}"),
        .. from kind in (string[])["startupProbe", "readinessProbe", "livenessProbe"] from field in Words(Probe) select $"containers.{kind}.{field}",
        "containers.lifecycle.preStop.sleep.seconds",
    ];

    private static readonly HashSet<string> s_service =
        ["selector.*", "clusterIP", "type", "publishNotReadyAddresses", .. Words("name port targetPort protocol appProtocol").Select(field => $"ports.{field}")];

    private static readonly HashSet<string> s_deployment =
        [.. Words("replicas minReadySeconds revisionHistoryLimit progressDeadlineSeconds selector.* template.* strategy.type strategy.rollingUpdate.maxSurge strategy.rollingUpdate.maxUnavailable")];

    private static readonly HashSet<string> s_statefulSet =
        [.. Words("replicas serviceName selector.* template.* volumeClaimTemplates.* revisionHistoryLimit podManagementPolicy updateStrategy.type persistentVolumeClaimRetentionPolicy.*")];

    /// <exception cref="NotSupportedException">Names the first field that is not known.</exception>
    public static void Require(ClusterObjects objects)
    {
        foreach (var service in objects.All<V1Service>()) Require(service.Spec, s_service, $"Service/{service.Metadata.Name}");
        foreach (var set in objects.All<V1Deployment>())
        {
            Require(set.Spec, s_deployment, $"Deployment/{set.Metadata.Name}");
            Require(set.Spec.Template.Spec, s_pod, $"Deployment/{set.Metadata.Name}");
        }

        foreach (var set in objects.All<V1StatefulSet>())
        {
            Require(set.Spec, s_statefulSet, $"StatefulSet/{set.Metadata.Name}");
            Require(set.Spec.Template.Spec, s_pod, $"StatefulSet/{set.Metadata.Name}");
        }
    }

    private static void Require(object spec, HashSet<string> known, string where)
    {
        foreach (var field in FieldsOf(JsonNode.Parse(KubernetesJson.Serialize(spec))!, ""))
        {
            if (!IsKnown(field, known)) throw new NotSupportedException($"{where}: the kubelet of the tests does not know the field {field}.");
        }
    }

    private static bool IsKnown(string field, HashSet<string> known)
    {
        if (known.Contains(field) || known.Contains(field + ".*")) return true;
        for (var dot = field.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = field.IndexOf('.', dot + 1))
            if (known.Contains(field[..dot] + ".*")) return true;
        return false;
    }

    /// <summary>Paths to all values, as <c>containers.ports.name</c>: without the places in lists. An empty object is a value.</summary>
    private static IEnumerable<string> FieldsOf(JsonNode node, string path) => node switch
    {
        JsonObject { Count: > 0 } branches => branches.Where(branch => branch.Value is not null)
            .SelectMany(branch => FieldsOf(branch.Value!, path.Length == 0 ? branch.Key : $"{path}.{branch.Key}")),
        JsonArray list => list.Where(item => item is not null).SelectMany(item => FieldsOf(item!, path)),
        _ => [path],
    };

    private static string[] Words(string text) => text.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
}
