using System.Text;

namespace Emu3.Tests.Cluster;

/// <summary>A stream of events read to its end as plain text, whether the body has a proper end or breaks off.</summary>
internal sealed class StreamReading
{
    private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private StreamReading(HttpClient http, HttpRequestMessage request, string first, CancellationToken cancellationToken) => End = ReadAsync(http, request, first, cancellationToken);

    /// <summary>Completes with the first line that has what was looked for; fails when the stream ends without one.</summary>
    public Task Began => _began.Task;

    /// <summary>All that came, and how the body broke off; null when it ended properly.</summary>
    public Task<(string Text, IOException? Failure)> End { get; }

    /// <summary>Sends the request.</summary>
    /// <param name="http">With an address.</param>
    /// <param name="request">Of the stream.</param>
    /// <param name="first">See <see cref="Began"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static StreamReading Begin(HttpClient http, HttpRequestMessage request, string first, CancellationToken cancellationToken) => new(http, request, first, cancellationToken);

    private async Task<(string Text, IOException? Failure)> ReadAsync(HttpClient http, HttpRequestMessage request, string first, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                text.Append(line).Append('\n');
                if (line.Contains(first, StringComparison.Ordinal)) _began.TrySetResult();
            }

            return (text.ToString(), null);
        }
        catch (IOException failure)
        {
            return (text.ToString(), failure);
        }
        finally
        {
            _began.TrySetException(new InvalidOperationException($"The stream ended before \"{first}\": {text}"));
        }
    }
}
