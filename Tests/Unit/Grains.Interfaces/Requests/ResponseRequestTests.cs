using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;
using static Emu3.Tests.Unit.Grains.Interfaces.Requests.Cards;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

/// <summary>The body of <c>/v1/responses</c>: it means the same as a chat body, and what needs memory or tools is refused by name.</summary>
[Trait("Suite", "Fast")]
public sealed class ResponseRequestTests
{
    private static readonly string s_picture = DataUrls.Png(8, 8);

    [Theory]
    [InlineData("""{"input":"Hi"}""", """{"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("""{"input":"Hi","instructions":"Be brief."}""", """{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}""")]
    [InlineData("""{"input":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"input_text","text":"Hi"}]}]}""",
        """{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hi"}]}]}""")]
    [InlineData("""{"input":[{"role":"user","content":"Hi"},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Yes?","annotations":[],"logprobs":[]}]},{"role":"user","content":"Bye"}]}""",
        """{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Yes?"}]},{"role":"user","content":"Bye"}]}""")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"@","detail":"auto"},{"type":"input_text","text":"What?"}]}]}""",
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"@"}},{"type":"text","text":"What?"}]}]}""")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","file_id":"file-0123456789abcdef0123456789abcdef"}]}]}""",
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file-0123456789abcdef0123456789abcdef"}}]}]}""")]
    [InlineData("""{"input":"Hi","max_output_tokens":5,"temperature":0.5,"top_p":0.9,"top_k":7,"seed":3,"stop":["."]}""",
        """{"messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":5,"temperature":0.5,"top_p":0.9,"top_k":7,"seed":3,"stop":["."]}""")]
    public void Read_Body_IsTheSameItemAsAChatBody(string response, string chat)
    {
        var (read, same) = (Read(response).Item, Chat(chat));
        Assert.Equal(Text(same.Turns!), Text(read.Turns!));
        Assert.Equal((same.MaxNewTokens, same.Temperature, same.TopP, same.TopK, same.Seed), (read.MaxNewTokens, read.Temperature, read.TopP, read.TopK, read.Seed));
        Assert.Equal(same.Stop ?? [], read.Stop ?? []);
    }

    /// <summary>What clients send without asking for anything.</summary>
    [Theory]
    [InlineData("\"store\":true")]
    [InlineData("\"store\":false,\"metadata\":{\"a\":\"b\"}")]
    [InlineData("\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":true,\"max_tool_calls\":null")]
    [InlineData("\"tool_choice\":\"none\",\"include\":[],\"truncation\":\"disabled\",\"background\":false,\"top_logprobs\":0")]
    [InlineData("\"text\":{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"},\"reasoning\":{\"effort\":null,\"summary\":null}")]
    [InlineData("\"user\":\"u\",\"safety_identifier\":\"s\",\"service_tier\":\"auto\",\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\"")]
    [InlineData("\"previous_response_id\":null,\"conversation\":null,\"prompt\":null,\"reasoning\":{\"effort\":\"none\"}")]
    public void Read_NeutralFields_AreAccepted(string fields) => Assert.Equal("Hi", Read($$"""{"input":"Hi",{{fields}}}""").Item.Turns![0].Parts[0].Text);

    [Theory]
    [InlineData("{}", "input", "missing")]
    [InlineData("""{"input":[]}""", "input", "1 to 256")]
    [InlineData("""{"input":5}""", "input", "is 5")]
    [InlineData("""{"input":"Hi","previous_response_id":"resp_1"}""", "previous_response_id", "not supported")]
    [InlineData("""{"input":"Hi","conversation":"conv_1"}""", "conversation", "not supported")]
    [InlineData("""{"input":"Hi","prompt":{"id":"p"}}""", "prompt", "not supported")]
    [InlineData("""{"input":"Hi","background":true}""", "background", "beyond false")]
    [InlineData("""{"input":"Hi","include":["reasoning.encrypted_content"]}""", "include", "beyond []")]
    [InlineData("""{"input":"Hi","tools":[{"type":"web_search"}]}""", "tools", "beyond []")]
    [InlineData("""{"input":"Hi","tool_choice":"required"}""", "tool_choice", "auto")]
    [InlineData("""{"input":"Hi","text":{"format":{"type":"json_object"}}}""", "text.format", "text")]
    [InlineData("""{"input":"Hi","reasoning":{"effort":"high"}}""", "reasoning.effort", "none")]
    [InlineData("""{"input":"Hi","reasoning":{"summary":"auto"}}""", "reasoning.summary", "not supported")]
    [InlineData("""{"input":"Hi","truncation":"auto"}""", "truncation", "disabled")]
    [InlineData("""{"input":"Hi","store":"yes"}""", "store", "true or false")]
    [InlineData("""{"input":"Hi","messages":[]}""", "messages", "input")]
    [InlineData("""{"input":"Hi","max_tokens":5}""", "max_tokens", "max_output_tokens")]
    [InlineData("""{"input":"Hi","max_output_tokens":0}""", "max_output_tokens", "from 1")]
    [InlineData("""{"input":[{"type":"item_reference","id":"msg_1"}]}""", "input[0].type", "message")]
    [InlineData("""{"input":[{"type":"function_call_output","call_id":"c","output":"1"}]}""", "input[0].type", "function_call_output")]
    [InlineData("""{"input":[{"type":"reasoning","summary":[]}]}""", "input[0].type", "message")]
    [InlineData("""{"input":[{"role":"tool","content":"x"}]}""", "input[0].role", "assistant")]
    [InlineData("""{"input":[{"role":"user"}]}""", "input[0].content", "missing")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]}""", "input[0].content[0].type", "input_image")]
    [InlineData("""{"input":[{"role":"assistant","content":[{"type":"input_image","image_url":"@"}]},{"role":"user","content":"x"}]}""", "input[0].content[0].type", "only the user")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image"}]}]}""", "input[0].content[0].image_url", "file_id")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"@","file_id":"f"}]}]}""", "input[0].content[0].image_url", "leave one")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","file_id":"@"}]}]}""", "input[0].content[0].file_id", "uploaded file")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.org/a.png"}]}]}""", "input[0].content[0].image_url", "not fetched")]
    public void Read_BadField_IsNamedWithWhatIsAllowed(string body, string param, string part)
    {
        var errors = new List<ItemError>();
        Read(body, errors);
        Assert.Contains(errors, error => error.Param == param && error.Message.Contains(part, StringComparison.Ordinal));
    }

    /// <summary>What only the model can say is told by the name of the field that was sent.</summary>
    [Theory]
    [InlineData("/v1/responses", """{"input":"Hi","max_output_tokens":100000}""", "max_output_tokens")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":100000}""", "max_completion_tokens")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":100000}""", "max_tokens")]
    [InlineData("/v1/responses", """{"input":[{"role":"user","content":[#]}]}""", "input")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":[#]}]}""", "messages")]
    public void Resolve_BeyondTheModel_NamesTheFieldThatWasSent(string url, string body, string param)
    {
        var part = url == "/v1/responses" ? $$"""{"type":"input_image","image_url":"{{s_picture}}"}""" : $$$"""{"type":"image_url","image_url":{"url":"{{{s_picture}}}"}}""";
        body = body.Replace("#", string.Join(',', Enumerable.Repeat(part, RequestLimits.Pictures + 1)), StringComparison.Ordinal);
        Assert.Equal([param], Resolve($$"""{"custom_id":"x","url":"{{url}}","body":{{body}}}""").Errors.Select(error => error.Param));
    }

    [Fact]
    public void Resolve_BatchLine_IsOneAnswer_AndMayNotStream()
    {
        var spec = Assert.Single(Resolve("""{"custom_id":"x","method":"POST","url":"/v1/responses","body":{"input":"Hi","instructions":"Be brief.","max_output_tokens":4}}""").Specs);
        Assert.Equal(["system", "user"], spec.Chat!.Turns.Select(turn => turn.Role));
        Assert.Equal("body.stream", Assert.Single(Resolve("""{"custom_id":"x","url":"/v1/responses","body":{"input":"Hi","stream":true}}""").Errors).Param);
    }

    private static ResponseRequest Read(string body)
    {
        var errors = new List<ItemError>();
        var request = Read(body, errors);
        Assert.Empty(errors);
        return request;
    }

    private static ResponseRequest Read(string body, List<ItemError> errors)
    {
        using var document = JsonDocument.Parse(body.Replace("@", s_picture, StringComparison.Ordinal));
        return ResponseRequest.Read(new FieldReader(document.RootElement, "", errors), errors);
    }

    private static ItemRequest Chat(string body)
    {
        using var document = JsonDocument.Parse(body.Replace("@", s_picture, StringComparison.Ordinal));
        var errors = new List<ItemError>();
        var item = OpenAiBodies.ReadChat(new FieldReader(document.RootElement, "", errors), errors);
        Assert.Empty(errors);
        return item;
    }

    private static string Text(IReadOnlyList<RequestTurn> turns) => string.Join('\n', turns.Select(turn =>
        $"{turn.Role}: {string.Join(" | ", turn.Parts.Select(part => part.Text ?? part.Picture!.Named?.Value ?? Convert.ToHexString(part.Picture.Hash)))}"));
}
