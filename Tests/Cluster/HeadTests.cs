using System.Net;

namespace Emu3.Tests.Cluster;

/// <summary>HEAD tells of what is there as GET does, and reads and streams nothing.</summary>
[Trait("Suite", "Cluster")]
public sealed class HeadTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Head_OfAJobsParts_IsAnsweredAsGet_WithoutABody()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        var job = (await gateway.SubmitAsync(["{}", """{"prompt":"p"}"""])).GetProperty("id").GetString()!;
        await gateway.WaitAsync(job);
        var file = await gateway.Http.GetByteArrayAsync($"/v1/jobs/{job}/items/0/content", Cancellation);
        foreach (var (path, type, length) in ((string, string, long?)[])[
            ("/health", "application/json", null), ("/v1/models", "application/json", null), ($"/v1/jobs/{job}", "application/json", null), ($"/v1/jobs/{job}/results", "application/json", null),
            ($"/v1/jobs/{job}/events", "text/event-stream", null), ($"/v1/jobs/{job}/archive", "application/zip", null), ($"/v1/jobs/{job}/items/0/content", "image/png", file.Length)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, path);
            using var answer = await gateway.Http.SendAsync(request, Cancellation);
            Assert.True(answer.StatusCode is HttpStatusCode.OK, $"{path}: {answer.StatusCode}");
            Assert.Equal(type, answer.Content.Headers.ContentType?.MediaType);
            if (length is not null) Assert.Equal(length, answer.Content.Headers.ContentLength);
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Cancellation));
        }
    }
}
