using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>What a probe is for.</summary>
internal enum ProbeKind
{
    /// <summary>Until it succeeds, the others are not asked; when it fails too often, the container is ended.</summary>
    Startup,

    /// <summary>While it fails, no Service leads to the pod.</summary>
    Readiness,

    /// <summary>When it fails too often, the container is ended.</summary>
    Liveness,
}

/// <summary>What a kubelet concludes from the answers to the probes of one run of a container. No clock: the caller says when it is.</summary>
internal sealed class ProbeState
{
    private readonly Dictionary<ProbeKind, Track> _tracks = [];

    public ProbeState(V1Container container)
    {
        Add(ProbeKind.Startup, container.StartupProbe);
        Add(ProbeKind.Readiness, container.ReadinessProbe);
        Add(ProbeKind.Liveness, container.LivenessProbe);
        HasStarted = container.StartupProbe is null;
        IsReady = HasStarted && container.ReadinessProbe is null;

        void Add(ProbeKind kind, V1Probe? probe)
        {
            if (probe is not null) _tracks.Add(kind, new(probe));
        }
    }

    /// <summary>The startup probe has succeeded, or there is none.</summary>
    public bool HasStarted { get; private set; }

    public bool IsReady { get; private set; }

    /// <summary>The probe that ended the container; null while none has.</summary>
    public ProbeKind? EndedBy { get; private set; }

    /// <summary>The probes that are to be asked now.</summary>
    /// <param name="age">Since the container was started.</param>
    public IReadOnlyList<(ProbeKind Kind, V1Probe Probe)> Due(TimeSpan age) =>
        [.. _tracks.Where(track => (track.Key == ProbeKind.Startup) != HasStarted && track.Value.Next <= age).Select(track => (track.Key, track.Value.Probe))];

    /// <summary>Takes the answer to one.</summary>
    /// <param name="kind">Which was asked.</param>
    /// <param name="isSuccess">What it answered.</param>
    /// <param name="age">When it was asked, since the container was started.</param>
    public void Take(ProbeKind kind, bool isSuccess, TimeSpan age)
    {
        var verdict = _tracks[kind].Take(isSuccess, age);
        if (verdict is null) return;
        if (kind == ProbeKind.Readiness) IsReady = verdict.Value;
        else if (!verdict.Value) EndedBy = kind;
        else if (kind == ProbeKind.Startup)
        {
            HasStarted = true;
            IsReady = !_tracks.ContainsKey(ProbeKind.Readiness);
        }

        if (EndedBy is not null) IsReady = false;
    }

    /// <summary>One probe: when it is due, and how often in a row it gave the same answer. What a manifest leaves out is as Kubernetes has it.</summary>
    private sealed class Track(V1Probe probe)
    {
        private int _successes;
        private int _failures;

        public V1Probe Probe { get; } = probe;

        public TimeSpan Next { get; private set; } = TimeSpan.FromSeconds(probe.InitialDelaySeconds ?? 0);

        /// <summary>What this answer decides; null when it takes more of them.</summary>
        public bool? Take(bool isSuccess, TimeSpan age)
        {
            Next = age + TimeSpan.FromSeconds(Probe.PeriodSeconds ?? 10);
            (_successes, _failures) = isSuccess ? (_successes + 1, 0) : (0, _failures + 1);
            if (_successes >= (Probe.SuccessThreshold ?? 1)) return true;
            return _failures >= (Probe.FailureThreshold ?? 3) ? false : null;
        }
    }
}
