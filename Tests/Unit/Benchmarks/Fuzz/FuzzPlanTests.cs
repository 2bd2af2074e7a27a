using System.Text;
using Emu3.Benchmarks.Fuzz;

namespace Emu3.Tests.Unit.Benchmarks.Fuzz;

[Trait("Suite", "Fast")]
public sealed class FuzzPlanTests
{
    private static readonly FuzzWorld s_world = new("127.0.0.1:8080", "user", "admin", new Dictionary<string, string>
    {
        ["job"] = "job_1",
        ["picture"] = "file-1",
        ["signedPicture"] = "/v1/pictures/job_1/0?expires=1&signature=x",
        ["signedArchive"] = "/v1/archives/job_1?expires=1&signature=x",
    });

    [Fact]
    public void Request_OfASeedAndANumber_IsAlwaysTheSame_AndOfAnotherIsAnother()
    {
        var once = Make(seed: 7);

        Assert.Equal(once, Make(seed: 7));
        Assert.True(once.Distinct().Count() > once.Count * 9 / 10);
        Assert.True(once.Intersect(Make(seed: 8)).Count() < once.Count / 10);

        static List<string> Make(int seed) => [.. Enumerable.Range(0, 300).Select(number => FuzzPlan.Make(seed, number, s_world)).Select(request => Convert.ToBase64String(request.Bytes))];
    }

    [Fact]
    public void Requests_OfARun_ComeFromEveryRoute_AreChangedInManyWays_AndSomeNotAtAll()
    {
        var requests = Enumerable.Range(0, 12_000).Select(number => FuzzPlan.Make(number % 4, number, s_world) with { Bytes = [] }).ToList();

        Assert.Equal(SeedRequests.All.Select(seed => seed.Route).Distinct().Order(), requests.Select(request => request.Route).Distinct().Order());
        Assert.True(requests.SelectMany(request => request.Mutations).Distinct().Count() > 60);
        foreach (var kind in (string[])["json value", "json huge", "json member twice", "path segment", "query value", "headers many", "form file name", "form boundary", "cut", "half sent", "chunks broken", "lengths", "no HTTP", "method"])
            Assert.Contains(requests, request => request.Mutations.Contains(kind));
        Assert.Contains(requests, request => request.Mutations.Count == 0);
        Assert.All(Enum.GetValues<SendEnd>(), end => Assert.Contains(requests, request => request.End == end));
        Assert.True(requests.Count(request => request.HasReadableBody) > 300);
    }

    [Fact]
    public void Request_ThatIsLeftAsItIs_IsTheSeedsOwn()
    {
        var request = Enumerable.Range(0, 5_000).Select(number => FuzzPlan.Make(2, number, s_world)).First(request => request.Mutations.Count == 0 && request.Route == "POST /v1/chat/completions");

        var text = Encoding.Latin1.GetString(request.Bytes);
        Assert.StartsWith("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/json\r\n", text, StringComparison.Ordinal);
        Assert.True(request is { HasReadableBody: true, MayBreakProtocol: false, End: SendEnd.Wait });
    }
}
