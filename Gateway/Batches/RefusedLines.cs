using System.Text.Json;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Batches;

/// <summary>A line of a batch that can't run: told in its error file as the request would have been answered by itself.</summary>
/// <param name="Line">Counted from 1, blank lines left out.</param>
/// <param name="CustomId">Null where the line has none that can be read.</param>
/// <param name="Message">For a person.</param>
/// <param name="Param">Path of the field in the request, or null.</param>
/// <param name="Code">For a program, or null.</param>
internal sealed record RefusedLine(int Line, string? CustomId, string Message, string? Param, string? Code)
{
    private const string Body = "body.";

    /// <summary>Of what was found: fields of the line's body are called as in the request that it stands for.</summary>
    public static RefusedLine Of(BatchError error, string? customId)
    {
        var (message, param) = (error.Message, error.Param);
        if (param?.StartsWith(Body, StringComparison.Ordinal) == true)
        {
            param = param[Body.Length..];
            message = message.StartsWith(Body, StringComparison.Ordinal) ? message[Body.Length..] : message;
        }

        return new(error.Line ?? 0, customId, customId is null ? $"Line {error.Line}: {message}" : message, param, error.Code);
    }
}

/// <summary>
/// The refused lines of a batch, kept with the files of its job and gone with them. They are written before the job is made: whoever goes on with a validation that
/// broke off leaves out the same lines, and so comes to the same job.
/// </summary>
internal sealed class RefusedLines(IBlobStore blobs)
{
    /// <summary>In the order of lines; null when nothing was written.</summary>
    public async Task<IReadOnlyList<RefusedLine>?> Read(BatchInfo batch, CancellationToken cancellationToken) =>
        await blobs.ReadAsync(KeyOf(batch), cancellationToken) is { } content ? JsonSerializer.Deserialize<List<RefusedLine>>(content, GatewayJson.Options) : null;

    public Task Write(BatchInfo batch, IEnumerable<RefusedLine> lines, CancellationToken cancellationToken) =>
        blobs.WriteAsync(KeyOf(batch), GatewayJson.Write(lines.OrderBy(line => line.Line).ToList()), cancellationToken);

    /// <summary>The batch came to nothing.</summary>
    public Task Delete(BatchInfo batch, CancellationToken cancellationToken) => blobs.DeleteAsync(KeyOf(batch), cancellationToken);

    private static string KeyOf(BatchInfo batch) => BlobKeys.RefusedLines(batch.Tenant, batch.Id.Job);
}
