using System.Text;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Everything dies right behind the answer that a batch was made: it is validated, runs and gives its output after the restart all the same.</summary>
[Trait("Suite", "Cluster")]
public sealed class BatchCrashTests : IDisposable
{
    private const string Line = """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"model":"fake","prompt":"a star"}}""";
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_WhoseClusterDiesBehindTheAnswer_CompletesAfterTheRestart()
    {
        string file, batch;
        await using (var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath)))
        {
            using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes(Line)), "file", "x.jsonl" } };
            file = (await gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = form }, 200)).GetProperty("id").GetString()!;
            using var body = new StringContent(
                $$"""{"input_file_id":"{{file}}","endpoint":"/v1/images/generations","completion_window":"1h"}""", Encoding.UTF8, "application/json");
            batch = (await gateway.SendAsync(new(HttpMethod.Post, "/v1/batches") { Content = body }, 200)).GetProperty("id").GetString()!;
            await gateway.Cluster.CrashAsync();
        }

        await using (var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath)))
        {
            Assert.Equal(Line, await gateway.Http.GetStringAsync($"/v1/files/{file}/content", Cancellation));
            var state = await gateway.GetAsync($"/v1/batches/{batch}");
            for (; state.GetProperty("status").GetString() != "completed"; state = await gateway.GetAsync($"/v1/batches/{batch}"))
            {
                Assert.Contains(state.GetProperty("status").GetString(), new[] { "validating", "in_progress", "finalizing" });
                await Task.Delay(50, Cancellation);
            }

            var output = await gateway.Http.GetStringAsync($"/v1/files/{state.GetProperty("output_file_id").GetString()}/content", Cancellation);
            Assert.Contains("\"custom_id\":\"a\"", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
            Assert.Equal(batch, Assert.Single((await gateway.GetAsync("/v1/batches")).GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        }
    }
}
