using System.Text.Json;
using System.Text.Json.Serialization;

namespace Emu3.Cli.Devices;

/// <summary>What a worker silo tells the process that started it, a line of JSON each on its standard output.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Detail">What is being loaded, or why it has failed.</param>
/// <param name="Silo">Its address in the cluster; null before it has one.</param>
internal sealed record ChildReport(ChildState State, string? Detail = null, string? Silo = null)
{
    /// <summary>Of the other direction, on standard input: end in good order. The end of that stream means that nobody is there any more.</summary>
    public const string DrainOrder = "drain";

    public string ToLine() => JsonSerializer.Serialize(this, CliJson.Wire);

    /// <summary>Reads a line; null when it is none of ours (a library may print what it likes).</summary>
    public static ChildReport? Read(string line)
    {
        try
        {
            return line.StartsWith('{') ? JsonSerializer.Deserialize<ChildReport>(line, CliJson.Wire) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Where a worker silo stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChildState>))]
internal enum ChildState
{
    /// <summary>The process is there.</summary>
    Starting = 0,

    /// <summary>The silo is in the cluster, and the model on its way.</summary>
    Loading = 1,

    /// <summary>It takes work.</summary>
    Ready = 2,

    /// <summary>The engine has failed, or the model can't be loaded: the process ends.</summary>
    Failed = 3,
}
