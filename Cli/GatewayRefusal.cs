using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli;

/// <summary>The gateway understood a request and refused it.</summary>
/// <param name="status">Its status.</param>
/// <param name="message">What is wrong and what is allowed.</param>
/// <param name="lineErrors">The items that are wrong, counted from 1; empty when it is not about items.</param>
internal sealed class GatewayRefusal(HttpStatusCode status, string message, IReadOnlyList<LineError> lineErrors) : Exception(message)
{
    public HttpStatusCode Status { get; } = status;

    public IReadOnlyList<LineError> LineErrors { get; } = lineErrors;

    /// <summary>The refusal of one that is about the request, and one that is about the cluster.</summary>
    public int ExitCode => (int)Status is >= 400 and < 500 and not 429 ? Cli.ExitCode.BadInput : Cli.ExitCode.NotStarted;

    /// <summary>Reads an error body in OpenAI's shape; any other body is told as it is.</summary>
    public static GatewayRefusal Read(HttpStatusCode status, string body)
    {
        JsonNode? error = null;
        try
        {
            error = JsonNode.Parse(body)?["error"];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A proxy in between speaks its own language; the text below tells it.
        }

        var message = error?["message"]?.ToString() ?? $"The gateway answered {(int)status} {(body.Length > 200 ? body[..200] : body)}".TrimEnd();
        return new(status, message, error?["line_errors"].Deserialize<LineError[]>(CliJson.Wire) ?? []);
    }
}
