using System.Text.Json;
using Emu3.Gateway.Access;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Gateway.Access;

[Trait("Suite", "Fast")]
public sealed class KeyRequestTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeSeconds(1_000_000);

    [Fact]
    public void Read_OfANameAlone_HasTheDefaults()
    {
        var (request, errors) = Read("""{"name":" ci "}""");

        Assert.Empty(errors);
        Assert.Equal(new KeyRequest("ci", "default", KeyRole.User, null, null, KeyQuotas.None), request);
    }

    [Fact]
    public void Read_OfEverything_HasIt()
    {
        var (request, errors) = Read(
            """{"name":"ci","tenant":"team-7","role":"admin","expires_in":"36h","weight":2.5,"quotas":{"queued_items":100,"images_per_hour":20,"concurrent_streams":3}}""");

        Assert.Empty(errors);
        Assert.Equal(new KeyRequest("ci", "team-7", KeyRole.Admin, s_now.AddHours(36), 2.5, new(100, 20, 3)), request);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_000_001), Read("""{"name":"ci","expires_at":1000001}""").Request.ExpiresAt);
    }

    [Theory]
    [InlineData("[]", "")]
    [InlineData("{}", "name")]
    [InlineData("""{"name":"  "}""", "name")]
    [InlineData("""{"name":"a\u0007"}""", "name")]
    [InlineData("""{"name":"a","tenant":""}""", "tenant")]
    [InlineData("""{"name":"a","tenant":"../b"}""", "tenant")]
    [InlineData("""{"name":"a","tenant":"A"}""", "tenant")]
    [InlineData("""{"name":"a","tenant":"ckpt"}""", "tenant")]
    [InlineData("""{"name":"a","tenant":"-a"}""", "tenant")]
    [InlineData("""{"name":"a","role":"root"}""", "role")]
    [InlineData("""{"name":"a","expires_in":"90"}""", "expires_in")]
    [InlineData("""{"name":"a","expires_in":"-1d"}""", "expires_in")]
    [InlineData("""{"name":"a","expires_in":"3651d"}""", "expires_in")]
    [InlineData("""{"name":"a","expires_in":"999999999999d"}""", "expires_in")]
    [InlineData("""{"name":"a","expires_at":999999}""", "expires_at")]
    [InlineData("""{"name":"a","expires_at":1e30}""", "expires_at")]
    [InlineData("""{"name":"a","expires_at":1000001,"expires_in":"1d"}""", "expires_in")]
    [InlineData("""{"name":"a","weight":0}""", "weight")]
    [InlineData("""{"name":"a","quotas":{"queued_items":0}}""", "quotas.queued_items")]
    [InlineData("""{"name":"a","quotas":{"images":1}}""", "quotas.images")]
    [InlineData("""{"name":"a","secret":"b"}""", "secret")]
    public void Read_OfSomethingWrong_NamesIt(string json, string param) => Assert.Equal(param, Assert.Single(Read(json).Errors).Param);

    private static (KeyRequest Request, List<ItemError> Errors) Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var errors = new List<ItemError>();
        return (KeyRequest.Read(document.RootElement, s_now, errors), errors);
    }
}
