using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Emu3.Grains.Interfaces.Requests;
using static Emu3.Tests.Unit.Grains.Interfaces.Requests.Cards;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

[Trait("Suite", "Fast")]
public sealed class ItemErrorTests
{
    private static readonly string[] Oddities =
        ["true", "false", "null", "\"user\"", "\"text\"", "\"image_url\"", "\"/v1/chat/completions\"", "\"data:image/png;base64,iVBORw0KGgo=\"", "1e400", "-0"];

    [Theory]
    [InlineData("""{"promt":"p"}""", "promt", "negative_prompt")]
    [InlineData("""{"id":"a"}""", "prompt", "missing")]
    [InlineData("""{"prompt":""}""", "prompt", "empty")]
    [InlineData("""{"prompt":5}""", "prompt", "5")]
    [InlineData("""{"prompt":"p","ratio":"4/3"}""", "ratio", "4/3")]
    [InlineData("""{"prompt":"p","size":"big"}""", "size", "1024x768")]
    [InlineData("""{"prompt":"p","size":"64x64","ratio":"1:1"}""", "size", "leave out")]
    [InlineData("""{"prompt":"p","guidance_scale":20.5}""", "guidance_scale", "20.5")]
    [InlineData("""{"prompt":"p","guidance_scale":1e999}""", "guidance_scale", "1e999")]
    [InlineData("""{"prompt":"p","temperature":-1}""", "temperature", "-1")]
    [InlineData("""{"prompt":"p","top_p":0}""", "top_p", "above 0")]
    [InlineData("""{"prompt":"p","top_k":1.5}""", "top_k", "1.5")]
    [InlineData("""{"prompt":"p","n":101}""", "n", "100")]
    [InlineData("""{"prompt":"p","seed":-9223372036854775809}""", "seed", "18446744073709551615")]
    [InlineData("""{"prompt":"p","seed":7.5}""", "seed", "7.5")]
    [InlineData("""{"prompt":"p","seed":1e20}""", "seed", "1e20")]
    [InlineData("""{"prompt":"p","n":1.5}""", "n", "1.5")]
    [InlineData("""{"prompt":"p","n":1e400}""", "n", "1e400")]
    [InlineData("""{"prompt":"p","top_k":-2}""", "top_k", "-2")]
    [InlineData("""{"prompt":"p","seed":"0x10"}""", "seed", "0x10")]
    [InlineData("""{"prompt":"p","seed":18446744073709551616}""", "seed", "18446744073709551616")]
    [InlineData("""{"prompt":"p","output_format":"gif"}""", "output_format", "webp")]
    [InlineData("""{"prompt":"p","embed_recipe":"yes"}""", "embed_recipe", "true or false")]
    [InlineData("""{"prompt":"p","id":""}""", "id", "at least one")]
    [InlineData("""{"prompt":"p","ratio":"1:400","area":67108864}""", "area", "positions")]
    [InlineData("""{"image":"https://example.org/a.png","question":"?"}""", "image", "not fetched")]
    [InlineData("""{"image":"data:image/png;base64,AAAA","question":"?"}""", "image", "PNG, JPEG, WebP, GIF or BMP")]
    [InlineData("""{"image":"data:image/png;base64,%%%","question":"?"}""", "image", "base64")]
    [InlineData("""{"image":[],"question":"?"}""", "image", "0 pictures")]
    [InlineData("""{"question":"?","prompt":"p"}""", "prompt", "not a known field")]
    [InlineData("""{"image":"data:image/png;base64,","question":"?"}""", "image", "is empty")]
    [InlineData("""{"messages":[]}""", "messages", "1 to")]
    [InlineData("""{"messages":[{"role":"tool","content":"x"}]}""", "messages[0].role", "assistant")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}""", "messages[0].content[0].type", "image_url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}]}""", "messages[0].content[0].image_url.url", "not fetched")]
    [InlineData("""{"custom_id":"x","method":"GET","url":"/v1/images/generations","body":{"prompt":"p"}}""", "method", "POST")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/embeddings","body":{}}""", "url", "/v1/chat/completions")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/images/generations","body":{"prompt":"p","stream":true}}""", "body.stream", "false")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/images/generations","body":{"prompt":"p","steps":4}}""", "body.steps", "guidance_scale")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"x"}],"tools":[{}]}}""", "body.tools", "not supported")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"x"}],"n":1e99999999999}}""", "body.n", "not supported")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/images/generations","body":{"prompt":"p","model":"other"}}""", "model", "Emu3-Gen-hf")]
    [InlineData("""{"question":"?","stop":""}""", "stop", "1 to 256")]
    [InlineData("""{"question":"?","stop":["a","b","c","d","e"]}""", "stop", "4 are allowed")]
    [InlineData("""{"question":"?","stop":["a",5]}""", "stop", "holds 5")]
    [InlineData("""{"question":"?","stop":7}""", "stop", "is 7")]
    [InlineData("""{"prompt":"p","stop":["a"]}""", "stop", "not a known field")]
    [InlineData("""{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"x"}],"stop":[""]}}""", "body.stop", "1 to 256")]
    [InlineData("""{"prompt":"p","":1}""", "\"\"", "not a known field")]
    [InlineData("[1]", "", "object")]
    public void Resolve_BadField_IsNamedWithWhatIsAllowed(string line, string param, string part)
    {
        var errors = Resolve(line).Errors;
        Assert.Contains(errors, error => error.Param == param && error.Message.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Resolve_TooManyPixelsInTheHeader_IsRefusedWithoutDecoding()
    {
        var error = Assert.Single(Resolve($$"""{"image":"{{DataUrls.Png(100_000, 100_000)}}","question":"?"}""").Errors);
        Assert.Contains("100000x100000", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"prompt\":\"\\ud800\"}", "surrogate")]
    [InlineData("{\"\\ud800\":1}", "surrogate")]
    [InlineData("{\"prompt\":\"a\",\"prompt\":\"b\"}", "prompt")]
    [InlineData("{\"prompt\":", "JSON")]
    [InlineData("", "JSON")]
    [InlineData("{} {}", "JSON")]
    public void StrictJson_WhatCannotBeRead_IsAnError(string text, string part)
    {
        Assert.Null(StrictJson.Parse(Encoding.UTF8.GetBytes(text), out var error));
        Assert.Contains(part, error, StringComparison.Ordinal);
    }

    [Fact]
    public void StrictJson_BytesThatAreNoText_AreAnError() => Assert.Null(StrictJson.Parse((byte[])[(byte)'"', 0xC3, 0x28, (byte)'"'], out _));

    [Fact]
    public void Resolve_SeveralBadFields_NamesThemAll()
    {
        string[] fields = ["negative_prompt", "seed", "n", "ratio", "area", "guidance_scale", "temperature", "top_k", "top_p", "prompt_suffix",
            "output_format", "output_compression", "embed_recipe", "sample", "id", "nonsense"];
        Gen.Bool.Array[fields.Length].Where(chosen => chosen.Any(isBad => isBad)).Sample(chosen =>
        {
            var item = new JsonObject { ["prompt"] = "p" };
            for (var i = 0; i < fields.Length; i++)
                if (chosen[i]) item[fields[i]] = new JsonArray();
            var named = Resolve(item.ToJsonString()).Errors.Select(error => error.Param).Order();
            Assert.Equal(fields.Where((_, i) => chosen[i]).Order(), named);
        });
    }

    /// <summary>Whatever JSON there is in a line, reading gives errors or specs and never throws.</summary>
    [Fact]
    public void Resolve_AnyJson_NeverThrows()
    {
        string[] names = ["prompt", "image", "question", "messages", "role", "content", "type", "text", "image_url", "url", "body", "custom_id", "method",
            "seed", "n", "size", "ratio", "model", "stream", "stop", "id"];
        var leaf = Gen.OneOf(
            Gen.Double.Select(number => double.IsFinite(number) ? JsonSerializer.Serialize(number) : "null"),
            Gen.String.Select(text => JsonSerializer.Serialize(text)),
            Gen.Int[0, Oddities.Length - 1].Select(i => Oddities[i]));
        var value = Gen.Recursive<string>((depth, inner) => depth > 5 ? leaf : Gen.OneOf(
            leaf,
            inner.Array[0, 3].Select(items => $"[{string.Join(',', items)}]"),
            Gen.Int[0, names.Length - 1].Select(i => names[i]).Select(inner, (name, item) => $"\"{name}\":{item}").Array[0, 6]
                .Select(pairs => $"{{{string.Join(',', pairs.DistinctBy(pair => pair[..pair.IndexOf(':', StringComparison.Ordinal)]))}}}")));
        value.Sample(json =>
        {
            var resolution = Resolve(json);
            Assert.True(resolution.Specs.Count > 0 != resolution.Errors.Count > 0);
        });
    }
}
