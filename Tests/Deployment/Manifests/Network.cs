using System.Net;
using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Somebody who sends or is sent to: a pod of the namespace, a pod elsewhere, or an address outside.</summary>
/// <param name="Name">In messages.</param>
/// <param name="Space">Namespace; null for an address outside.</param>
/// <param name="Labels">Of the pod.</param>
/// <param name="Ports">By name.</param>
/// <param name="Address">Outside.</param>
internal sealed record Peer(string Name, string? Space, IDictionary<string, string> Labels, IReadOnlyDictionary<string, int> Ports, IPAddress? Address = null);

/// <summary>What network policies allow, as a network plugin that enforces them would decide it.</summary>
/// <param name="policies">Of one namespace.</param>
/// <param name="space">That namespace.</param>
internal sealed class Network(IReadOnlyList<V1NetworkPolicy> policies, string space)
{
    /// <summary>Whether a connection comes to be: the sender may send, and the receiver may receive. Who is in another namespace or outside is bound by nothing here.</summary>
    public bool Allows(Peer from, Peer to, int port, string protocol = "TCP") => MaySend(from, to, port, protocol) && MayReceive(from, to, port, protocol);

    private bool MaySend(Peer from, Peer to, int port, string protocol) => Of(from, "Egress") is var own && (own.Count == 0
        || own.Any(policy => (policy.Spec.Egress ?? []).Any(rule => IsAmong(to, rule.To) && HasPort(rule.Ports, to, port, protocol))));

    private bool MayReceive(Peer from, Peer to, int port, string protocol) => Of(to, "Ingress") is var own && (own.Count == 0
        || own.Any(policy => (policy.Spec.Ingress ?? []).Any(rule => IsAmong(from, rule.FromProperty) && HasPort(rule.Ports, to, port, protocol))));

    private List<V1NetworkPolicy> Of(Peer peer, string direction) =>
        peer.Space != space ? [] : [.. policies.Where(policy => policy.Spec.PolicyTypes.Contains(direction) && peer.Labels.Meets(policy.Spec.PodSelector ?? new()))];

    /// <summary>No list of peers, or an empty one, means everyone.</summary>
    private bool IsAmong(Peer peer, IList<V1NetworkPolicyPeer>? peers) => peers is null or { Count: 0 } || peers.Any(one => one switch
    {
        { IpBlock: { } block } => peer.Address is { } address && IPNetwork.Parse(block.Cidr).Contains(address) && !(block.Except ?? []).Any(except => IPNetwork.Parse(except).Contains(address)),
        _ when peer.Space is null => false,
        { NamespaceSelector: { } spaces } => new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = peer.Space! }.Meets(spaces) && (one.PodSelector is null || peer.Labels.Meets(one.PodSelector)),
        { PodSelector: { } pods } => peer.Space == space && peer.Labels.Meets(pods),
        _ => false,
    });

    private static bool HasPort(IList<V1NetworkPolicyPort>? ports, Peer to, int port, string protocol) => ports is null or { Count: 0 } || ports.Any(one =>
        (one.Protocol ?? "TCP") == protocol && (one.Port is null || (int.TryParse(one.Port.Value, out var number) ? number : to.Ports.GetValueOrDefault(one.Port.Value, -1)) == port));
}
