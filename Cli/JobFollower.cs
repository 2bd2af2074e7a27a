using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Emu3.Cli;

/// <summary>Follows a job over connections that break: each is opened again behind the last event that arrived.</summary>
internal sealed class JobFollower(GatewayHttp http)
{
    // The gateway sends a comment every 10 s when it has nothing to tell.
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(35);

    /// <summary>Everything that happens to a job, to its end, from a cursor on: nothing is told twice and nothing is left out.</summary>
    /// <exception cref="CommandException">The gateway stays away.</exception>
    /// <exception cref="GatewayRefusal">There is no such job.</exception>
    public async IAsyncEnumerable<FollowedEvent> FollowAsync(string job, string? cursor, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var reason = "it ended its stream";
            var events = ReadEventsAsync(job, cursor, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (events)
            {
                while (true)
                {
                    try
                    {
                        // A stream that ends without its last event is a gateway that goes down.
                        if (!await events.MoveNextAsync())
                        {
                            break;
                        }
                    }
                    catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException && !cancellationToken.IsCancellationRequested)
                    {
                        reason = attempt < GatewayHttp.Attempts ? e.Message : throw http.Away(e);
                        break;
                    }

                    attempt = 0;
                    cursor = events.Current.Cursor ?? cursor;
                    yield return events.Current;
                    if (events.Current.IsLast)
                    {
                        yield break;
                    }
                }
            }

            await http.WaitAsync(attempt, reason, cancellationToken);
        }
    }

    private async IAsyncEnumerable<FollowedEvent> ReadEventsAsync(string job, string? cursor, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"v1/jobs/{job}/events");
        if (cursor is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", cursor);
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (GatewayHttp.IsLost(response.StatusCode))
        {
            throw new HttpRequestException($"It answered {(int)response.StatusCode}.");
        }

        await GatewayHttp.ThrowIfRefusedAsync(response, cancellationToken);
        http.CameBack(response);
        await using var stream = new IdleTimeoutStream(await response.Content.ReadAsStreamAsync(cancellationToken), s_longestSilence);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
        {
            switch (item.EventType)
            {
                case "item":
                    var both = JsonSerializer.Deserialize<ItemEvent>(item.Data, CliJson.Wire)!;
                    yield return new(item.EventId, both.Outcome, both.Job, false);
                    break;
                case "progress" or "done":
                    yield return new(item.EventId, null, JsonSerializer.Deserialize<JobInfo>(item.Data, CliJson.Wire), item.EventType == "done");
                    break;
                case "error":
                    throw new HttpRequestException(item.Data);
            }
        }
    }

    private sealed record ItemEvent(Outcome Outcome, JobInfo? Job);
}
