using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;
using static Emu3.Tests.Unit.Grains.Interfaces.Requests.Cards;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

/// <summary>What means the same is taken the same: other spellings of numbers and seeds, marks at the start of a text, fields with the value that asks for nothing.</summary>
[Trait("Suite", "Fast")]
public sealed class SameMeaningTests
{
    [Theory]
    [InlineData("7", 7ul)]
    [InlineData("7.0", 7ul)]
    [InlineData("7e0", 7ul)]
    [InlineData("0.7E1", 7ul)]
    [InlineData("-0.0", 0ul)]
    [InlineData("\"7\"", 7ul)]
    [InlineData("\"7.0\"", 7ul)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("\"18446744073709551615.0\"", ulong.MaxValue)]
    [InlineData("-2", ulong.MaxValue - 1)]
    [InlineData("\"-2\"", ulong.MaxValue - 1)]
    [InlineData("-9223372036854775808", 1ul << 63)]
    public void Seed_HoweverItIsWritten_IsTheSame(string written, ulong seed) => Assert.Equal(seed, ResolveOne($$"""{"prompt":"p","seed":{{written}}}""").Seed);

    [Theory]
    [InlineData("-1")]
    [InlineData("-1.0")]
    [InlineData("\"-1\"")]
    public void SeedMinusOne_IsTheSameAsNone(string written)
    {
        Assert.Equal(DerivedSeed.Of(7, "1", 0), ResolveOne($$"""{"prompt":"p","seed":{{written}}}""").Seed);
        Assert.Equal(3ul, ResolveOne($$"""{"prompt":"p","seed":{{written}}}""", Context(defaults: ItemRequest.Empty with { Seed = 3 })).Seed);
        var errors = new List<ItemError>();
        using var job = JsonDocument.Parse($$"""{"seed":{{written}}}""");
        Assert.Null(JobRequest.Read(job.RootElement, errors).Seed);
        Assert.Empty(errors);
    }

    [Fact]
    public void WholeNumbers_WithAFractionOfZero_AreWhole()
    {
        var resolution = Resolve("""{"prompt":"p","n":2.0,"sample":3.0,"top_k":-1.0,"area":2.62144e5,"output_compression":80.0}""");
        Assert.Empty(resolution.Errors);
        Assert.Equal([3u, 4u], resolution.Specs.Select(spec => spec.SampleIndex));
        Assert.Equal((0, 80), (resolution.Specs[0].Sampling.TopK, resolution.Specs[0].Image!.Quality));
        Assert.Equal(8, ResolveOne("""{"question":"?","image":"@","max_tokens":8.0}""".Replace("@", DataUrls.Png(8, 8), StringComparison.Ordinal)).Chat!.MaxNewTokens);
    }

    [Theory]
    [InlineData("\uFEFF{\"a\":1}")]
    [InlineData("\uFEFF \r\n{\"a\":1}\r\n")]
    public void StrictJson_ByteOrderMark_IsPassedOver(string text)
    {
        using var document = StrictJson.Parse(Encoding.UTF8.GetBytes(text), out var error);
        Assert.Equal("", error);
        Assert.Equal(1, document!.RootElement.GetProperty("a").GetInt32());
    }

    /// <summary>A picture of almost the largest size fits, whatever the writer escapes; one that is too large does not.</summary>
    [Theory]
    [InlineData("\\u002B", "\\u002F")]
    [InlineData("+", "\\/")]
    [InlineData("+", "/")]
    public void DataUrl_LimitHoldsForTheText_NotForItsEscapes(string plus, string slash)
    {
        var largest = new byte[RequestLimits.PictureBytes];
        largest.AsSpan().Fill(0xFB); // +/ in base64, as often as can be
        DataUrls.PngHeader(8, 8).CopyTo(largest.AsSpan());
        Assert.Empty(Resolve(Escaped(largest)).Errors);
        Assert.Contains(Resolve(Escaped([.. largest, .. new byte[300]])).Errors, error => error.Param == "image" && error.Message.Contains("20 MiB", StringComparison.Ordinal));

        string Escaped(byte[] file) => $$"""{"image":"{{DataUrls.Of("image/png", file).Replace("/", slash, StringComparison.Ordinal).Replace("+", plus, StringComparison.Ordinal)}}","question":"?"}""";
    }

    /// <summary>What clients of OpenAI, vLLM and others send in every request, without asking for anything.</summary>
    [Theory]
    [InlineData("""{"n":1,"logprobs":false,"top_logprobs":0,"logit_bias":{},"presence_penalty":0.0,"frequency_penalty":0,"response_format":{"type":"text"},"modalities":["text"]}""")]
    [InlineData("""{"tools":[],"tool_choice":"none","parallel_tool_calls":true,"functions":[],"function_call":"auto","reasoning_effort":"none","verbosity":"medium"}""")]
    [InlineData("""{"store":false,"service_tier":"auto","user":"u","metadata":{},"safety_identifier":"s","prompt_cache_key":"k"}""")]
    [InlineData("""{"min_p":0,"repetition_penalty":1.0,"length_penalty":1,"best_of":1,"use_beam_search":false,"early_stopping":false,"min_tokens":0,"ignore_eos":false,"top_k":-1}""")]
    [InlineData("""{"stop_token_ids":[],"include_stop_str_in_output":false,"bad_words":[],"allowed_token_ids":[],"skip_special_tokens":true,"spaces_between_special_tokens":true}""")]
    [InlineData("""{"echo":false,"add_generation_prompt":true,"continue_final_message":false,"add_special_tokens":false,"documents":[],"chat_template_kwargs":{"enable_thinking":false}}""")]
    [InlineData("""{"guided_json":null,"guided_regex":null,"prompt_logprobs":null,"truncate_prompt_tokens":null,"priority":0,"request_id":"r","cache_salt":"s","mm_processor_kwargs":{}}""")]
    [InlineData("""{"repeat_penalty":1,"typical_p":1.0,"tfs_z":1,"top_a":0,"mirostat":0,"dynatemp_range":0,"xtc_probability":0,"dry_multiplier":0,"transforms":[],"cache_prompt":true}""")]
    public void NeutralFields_AreTaken(string fields)
    {
        Assert.Empty(Resolve(ChatLine(fields)).Errors);
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
            Assert.Empty(Resolve(ChatLine(new JsonObject { [name] = value?.DeepClone() }.ToJsonString())).Errors);
    }

    [Theory]
    [InlineData("n", "2")]
    [InlineData("logprobs", "true")]
    [InlineData("presence_penalty", "0.1")]
    [InlineData("response_format", """{"type":"json_object"}""")]
    [InlineData("tools", """[{"type":"function"}]""")]
    [InlineData("verbosity", "\"low\"")]
    [InlineData("min_p", "0.05")]
    [InlineData("ignore_eos", "true")]
    [InlineData("best_of", "2")]
    [InlineData("use_beam_search", "true")]
    [InlineData("repetition_penalty", "1.1")]
    [InlineData("min_tokens", "1")]
    [InlineData("stop_token_ids", "[1]")]
    [InlineData("skip_special_tokens", "false")]
    [InlineData("continue_final_message", "true")]
    [InlineData("guided_json", "{}")]
    [InlineData("structured_outputs", "{}")]
    [InlineData("chat_template", "\"x\"")]
    [InlineData("mirostat", "2")]
    [InlineData("top_k", "-2")]
    public void FieldsThatWouldChangeTheAnswer_AreRefusedByName(string field, string value) =>
        Assert.Equal($"body.{field}", Assert.Single(Resolve(ChatLine($$"""{"{{field}}":{{value}}}""")).Errors).Param);

    [Theory]
    [InlineData("system,user,user")]
    [InlineData("system,system,user")]
    [InlineData("assistant,user")]
    [InlineData("user,system,user")]
    [InlineData("user,assistant,assistant,user")]
    [InlineData("user,assistant")]
    [InlineData("developer")]
    public void Messages_InAnyOrder_AreTakenAsTheyAre(string roles)
    {
        var messages = string.Join(',', roles.Split(',').Select((role, i) => $$"""{"role":"{{role}}","content":"{{i}}"}"""));
        var turns = ResolveOne($$"""{"messages":[{{messages}}]}""").Chat!.Turns;
        Assert.Equal(roles.Replace("developer", "system", StringComparison.Ordinal).Split(','), turns.Select(turn => turn.Role));
        Assert.Equal(Enumerable.Range(0, turns.Count).Select(i => $"{i}"), turns.Select(turn => Assert.Single(turn.Parts).Text));
    }

    [Fact]
    public void Messages_WithWhatClientsAddToThem_AreTaken()
    {
        var url = DataUrls.Png(8, 8);
        var turns = ResolveOne($$"""
            {"messages":[
              {"role":"user","name":"bob","content":[{"type":"text","text":"What?","cache_control":{"type":"ephemeral"} },{"type":"image_url","image_url":"{{url}}"}]},
              {"role":"assistant","content":"A star.","refusal":null,"annotations":[],"tool_calls":[],"reasoning_content":"…"},
              {"role":"user","content":[{"type":"image_url","image_url":{"url":"{{url}}","detail":"low"} }]}]}
            """).Chat!.Turns;
        Assert.Equal([2, 1, 1], turns.Select(turn => turn.Parts.Count));
        Assert.Equal(turns[0].Parts[1].PictureBlob, turns[2].Parts[0].PictureBlob);
    }

    private static string ChatLine(string fields)
    {
        var body = JsonNode.Parse(fields)!.AsObject();
        body["messages"] = JsonNode.Parse("""[{"role":"user","content":"hi"}]""");
        return new JsonObject { ["custom_id"] = "a", ["method"] = "POST", ["url"] = "/v1/chat/completions", ["body"] = body }.ToJsonString();
    }
}
