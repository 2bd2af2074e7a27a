using System.Text.Json;
using Emu3.Gateway;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class FailureResponseTests
{
    public static TheoryData<Exception, int, string> Exceptions => new()
    {
        { new JobNotFoundException("job_x"), 404, "job_not_found" },
        { new IdempotencyConflictException("job_x"), 422, "idempotency_conflict" },
        { new BadHttpRequestException("too much", 413), 413, "request_too_large" },
        { new TimeoutException("no answer"), 503, "cluster_unavailable" },
        { new SiloUnavailableException("gone"), 503, "cluster_unavailable" },
        { new OperationCanceledException(), 499, "cancelled" },
        { new ConnectionResetException("reset by peer"), 499, "cancelled" },
        { new InvalidOperationException("secret"), 500, "internal_error" },
    };

    /// <summary>A message that was cut in the middle of a character is still JSON that everyone can read.</summary>
    [Fact]
    public void Message_CutInsideACharacter_IsWrittenAsText()
    {
        var errors = new List<ItemError>();
        using var document = JsonDocument.Parse($$"""{"{{new string('x', 63)}}😀":1,"size":"{{new string('x', 34)}}😀😀😀😀"}""");
        var fields = new FieldReader(document.RootElement, "", errors);
        fields.Whole("size", 1, 2);
        fields.Close();
        Assert.Equal(2, errors.Count);
        foreach (var error in errors)
            Assert.NotNull(StrictJson.Parse(GatewayJson.Write(FailureResponses.BadRequest([error]).Answer), out _));
    }

    [Theory]
    [MemberData(nameof(Exceptions), DisableDiscoveryEnumeration = true)]
    public void Of_Exception_HasItsStatusAndCode(Exception exception, int status, string code)
    {
        var response = FailureResponses.Of(exception);
        Assert.Equal((status, code), (response.Status, response.Body.Code));
        Assert.DoesNotContain("secret", response.Body.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_EveryFailureCode_IsNoRetryableStatusUnlessItPasses()
    {
        foreach (var code in Enum.GetValues<FailureCode>())
        {
            var response = FailureResponses.Of(new ItemFailure(code, "why"));
            Assert.NotEqual(409, response.Status);
            Assert.Equal(code is FailureCode.NoWorker or FailureCode.DeviceOutOfMemory, response.Status == 503);
            Assert.Equal(response.Status == 503, response.RetryAfter is > 0 and <= FailureResponses.LongestRetryAfter);
            if (code is not (FailureCode.None or FailureCode.InvalidRequest)) Assert.NotEqual("failed", response.Body.Code);
        }
    }

    [Theory]
    [InlineData(0.2, 1, "Try again in 1 s.")]
    [InlineData(59.5, 60, "Try again in 60 s.")]
    [InlineData(61, 60, "There should be room in about 61 s. Try again in 60 s.")]
    [InlineData(2_000, 60, "There should be room in about 33 min. Try again in 60 s.")]
    public void TooMuch_OfALongWait_IsToldInWords_SinceClientsIgnoreALongRetryAfter(double wait, int seconds, string words)
    {
        foreach (var response in (FailureResponse[])[FailureResponses.QueueFull(isOfTenant: true, TimeSpan.FromSeconds(wait)), FailureResponses.TooManyImages(5, TimeSpan.FromSeconds(wait))])
        {
            Assert.Equal((429, seconds), (response.Status, response.RetryAfter));
            Assert.EndsWith(words, response.Body.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void StillLoading_WithAnEstimate_TellsItAndWhenToComeAgain()
    {
        var worker = new LoadingWorker(new("S/cpu"), "host/cpu", "Emu3-Gen-hf", "loading weights, 10 % (40 s)", null, TimeSpan.FromSeconds(360));
        var response = FailureResponses.StillLoading(worker);
        Assert.Equal((503, "model_loading", 60), (response.Status, response.Body.Code, response.RetryAfter));
        Assert.Equal("The model \"Emu3-Gen-hf\" is still being loaded: loading weights, 10 % (40 s). It should be there in about 6 min. Try again in 60 s.", response.Body.Message);
        Assert.Equal(15, FailureResponses.StillLoading(worker with { Remaining = null }).RetryAfter);
    }

    [Fact]
    public void Answer_AsJson_HasAllFourKeysAlways()
    {
        var json = JsonSerializer.SerializeToElement(FailureResponses.JobNotFound("x").Answer, GatewayJson.Options).GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("param").ValueKind);
    }

    [Fact]
    public void Of_TheServersRefusalOfABody_SaysThatItIsTheBody() =>
        Assert.Equal("The body did not arrive as it should: Bad chunk suffix.", FailureResponses.Of(new BadHttpRequestException("Bad chunk suffix.")).Body.Message);

    [Fact]
    public void Of_AFileThatIsTooLarge_NamesIt()
    {
        var body = FailureResponses.Of(UploadStream.TooLarge(1 << 20)).Body;
        Assert.Equal(("file", "request_too_large"), (body.Param, body.Code));
    }

    [Fact]
    public void BadRequest_OfNoField_SaysThatItIsTheBody()
    {
        Assert.Equal("The body must be an object.", FailureResponses.BadRequest([new("", "must be an object.")]).Body.Message);
        Assert.Equal("n: must be 1.", FailureResponses.BadRequest([new("n", "must be 1.")]).Body.Message);
        Assert.Equal("The form has too much.", FailureResponses.BadRequest([new("", "The form has too much.")]).Body.Message);
    }

    [Fact]
    public void InvalidItems_ThirdLine_NamesItByIndexAndListsAll()
    {
        var response = FailureResponses.InvalidItems([new LineError(17, "ratio", "must be."), new LineError(20, "", "is not valid JSON.")]);
        Assert.Equal(400, response.Status);
        Assert.Equal("items[16].ratio", response.Body.Param);
        Assert.Equal("invalid_items", response.Body.Code);
        Assert.Contains("2 items are wrong", response.Body.Message, StringComparison.Ordinal);
        Assert.Contains("line 17: ratio: must be.", response.Body.Message, StringComparison.Ordinal);
        var json = JsonSerializer.SerializeToElement(response.Answer, GatewayJson.Options).GetProperty("error").GetProperty("line_errors");
        Assert.Equal(20, json[1].GetProperty("line").GetInt32());
    }
}
