using System.Net;
using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Whether exactly the flows that the program needs are allowed: each pair of peers, on every port that one of them has, is asked for.</summary>
internal static class Flows
{
    private const int Https = 443, Names = 53, Database = 5432;
    private static readonly Dictionary<string, string> s_none = [];

    private static readonly Peer
        s_names = Elsewhere("CoreDNS", "kube-system", new() { ["k8s-app"] = "kube-dns" }, Names),
        s_prometheus = Elsewhere("Prometheus", "monitoring", new() { ["app.kubernetes.io/name"] = "prometheus" }, 9090),
        s_ingress = Elsewhere("the ingress controller", "ingress-nginx", new() { ["app.kubernetes.io/name"] = "ingress-nginx" }, 80),
        s_public = Outside("a public address", "203.0.113.7"),
        s_private = Outside("a private address", "10.20.30.40"),
        s_metadata = Outside("the cloud's metadata service", "169.254.169.254");

    public static IEnumerable<string> Check(ManifestSet set)
    {
        var policies = set.Of<V1NetworkPolicy>().ToList();
        if (policies.Count == 0)
        {
            yield return "There is no network policy.";
            yield break;
        }

        var space = set.Of<V1Namespace>().Single().Name();
        var network = new Network(policies, space);
        var pods = set.Workloads.Select(workload => (Workload: (Workload?)workload, Peer: new Peer(workload.Name, space, workload.Labels,
            References.PortsOf(workload).ToDictionary(port => port.Name, port => port.ContainerPort)))).ToList();
        List<(Workload? Workload, Peer Peer)> all =
        [
            .. pods, .. ((Peer[])[s_names, s_prometheus, s_ingress, s_public, s_private, s_metadata, Elsewhere("a pod of another namespace", "other", s_none, 80),
                Elsewhere("a pod of this namespace that is not ours", space, s_none, 80)]).Select(peer => ((Workload?)null, peer)),
        ];
        int[] ports = [.. all.SelectMany(one => one.Peer.Ports.Values).Concat([22, 80, Https, Database, 6443]).Distinct()];
        var hasDatabase = set.Workloads.Any(workload => workload.Component == "database");
        foreach (var (from, to) in from one in all from two in all where one.Peer.Space == space || two.Peer.Space == space select (one, two))
            foreach (var port in ports)
                foreach (var protocol in port == Names ? (string[])["TCP", "UDP"] : ["TCP"])
                {
                    if (from.Peer == to.Peer && from.Workload is null) continue;
                    var (isNeeded, isAllowed) = (IsNeeded(from.Workload, from.Peer, to.Workload, to.Peer, port, hasDatabase), network.Allows(from.Peer, to.Peer, port, protocol));
                    if (isNeeded != isAllowed) yield return $"{from.Peer.Name} {(isNeeded ? "can't" : "may")} reach {to.Peer.Name} on {port}/{protocol}, and {(isNeeded ? "must" : "needs not")}.";
                }
    }

    /// <summary>The whole list.</summary>
    private static bool IsNeeded(Workload? from, Peer sender, Workload? to, Peer receiver, int port, bool hasDatabase) => (from, to) switch
    {
        ({ IsOurs: true }, null) when receiver == s_names => port == Names,
        ({ IsOurs: true }, null) when receiver == s_private && port == Database => !hasDatabase,
        ({ IsOurs: true }, null) when port == Https => (receiver == s_public && (from.Component == "control" || UsesObjectStore(from))) || (receiver == s_private && UsesObjectStore(from)),
        ({ IsOurs: true }, { Component: "database" }) => port == Database,
        ({ IsOurs: true, Component: "control" or "worker" }, { IsOurs: true, Component: "control" or "worker" }) => port == PortOf(to, "silo"),
        ({ IsOurs: true, Component: "gateway" }, { IsOurs: true, Component: "control" }) => port == PortOf(to, "clients"),
        (null, { IsOurs: true }) when sender == s_prometheus => port == PortOf(to, "metrics"),
        (null, { IsOurs: true, Component: "gateway" }) when sender == s_ingress => port == PortOf(to, "http"),
        _ => false,
    };

    private static bool UsesObjectStore(Workload workload) => workload.Labels.ContainsKey("emu3/object-store");

    private static int PortOf(Workload workload, string name) => References.PortsOf(workload).FirstOrDefault(port => port.Name == name)?.ContainerPort ?? -1;

    private static Peer Elsewhere(string name, string space, Dictionary<string, string> labels, int port) => new(name, space, labels, new Dictionary<string, int> { ["port"] = port });

    private static Peer Outside(string name, string address) => new(name, null, s_none, new Dictionary<string, int>(), IPAddress.Parse(address));
}
