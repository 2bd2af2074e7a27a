using System.CommandLine;

namespace Emu3.Cli.Commands;

/// <summary>Where the cluster is, for commands that need its jobs and none of its workers.</summary>
internal sealed class ControlOptions
{
    private readonly ClusterOptions _cluster = new();

    public void AddTo(Command command) => _cluster.AddControlTo(command);

    public ClusterChoice Read(ParseResult result) => _cluster.Read(result) with { IsControlOnly = true };
}
