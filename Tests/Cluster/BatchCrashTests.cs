using System.Text;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Everything dies right behind the answer that a batch was made: it is validated, runs and gives its output after the restart all the same.</summary>
[Trait("Suite", "Cluster")]
public sealed class BatchCrashTests : IDisposable
{
    private const string Line = """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"model":"fake","prompt":"a star"}}""";
    private readonly TemporaryFolder _folder = new();

    private const string Bad = """{"custom_id":"bad","method":"POST","url":"/v1/images/generations","body":{"model":"fake"}}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Batch_WhoseClusterDiesBehindTheAnswer_CompletesAfterTheRestart(bool reports)
    {
        string file, batch;
        var lines = reports ? $"{Bad}\n{Line}" : Line;
        await using (var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath)))
        {
            using var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" }, { new ByteArrayContent(Encoding.UTF8.GetBytes(lines)), "file", "x.jsonl" } };
            file = (await gateway.SendAsync(new(HttpMethod.Post, "/v1/files") { Content = form }, 200)).GetProperty("id").GetString()!;
            using var body = new StringContent(
                $$"""{"input_file_id":"{{file}}","endpoint":"/v1/images/generations","completion_window":"1h","on_invalid_line":"{{(reports ? "report" : "fail")}}"}""", Encoding.UTF8, "application/json");
            batch = (await gateway.SendAsync(new(HttpMethod.Post, "/v1/batches") { Content = body }, 200)).GetProperty("id").GetString()!;
            await gateway.Cluster.CrashAsync();
        }

        await using (var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.FullPath)))
        {
            Assert.Equal(lines, await gateway.Http.GetStringAsync($"/v1/files/{file}/content", Cancellation));
            var state = await gateway.GetAsync($"/v1/batches/{batch}");
            for (; state.GetProperty("status").GetString() != "completed"; state = await gateway.GetAsync($"/v1/batches/{batch}"))
            {
                Assert.Contains(state.GetProperty("status").GetString(), new[] { "validating", "in_progress", "finalizing" });
                await Task.Delay(50, Cancellation);
            }

            var output = await gateway.Http.GetStringAsync($"/v1/files/{state.GetProperty("output_file_id").GetString()}/content", Cancellation);
            Assert.Contains("\"custom_id\":\"a\"", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
            var counts = state.GetProperty("request_counts");
            Assert.Equal((reports ? 2 : 1, 1, reports ? 1 : 0), (counts.GetProperty("total").GetInt32(), counts.GetProperty("completed").GetInt32(), counts.GetProperty("failed").GetInt32()));
            if (reports)
            {
                var errors = await gateway.Http.GetStringAsync($"/v1/files/{state.GetProperty("error_file_id").GetString()}/content", Cancellation);
                Assert.Contains("\"custom_id\":\"bad\"", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
            }

            Assert.Equal(batch, Assert.Single((await gateway.GetAsync("/v1/batches")).GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        }
    }
}
