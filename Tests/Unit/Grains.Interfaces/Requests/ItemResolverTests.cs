using System.Text.Json;
using CsCheck;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using static Emu3.Tests.Unit.Grains.Interfaces.Requests.Cards;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

[Trait("Suite", "Fast")]
public sealed class ItemResolverTests
{
    [Fact]
    public void Resolve_PromptAlone_TakesTheCheckpointsDefaults()
    {
        var spec = ResolveOne("""{"prompt":"a cat"}""");

        Assert.Equal("1", spec.Id);
        Assert.Equal(DerivedSeed.Of(7, "1", 0), spec.Seed);
        Assert.Equal(new SamplingSpec(1, 2_048, 1), spec.Sampling);
        Assert.Equal(new ImageSpec
        {
            Prompt = "a cat, best quality",
            NegativePrompt = "lowres",
            GuidanceScale = 3,
            LatentHeight = 90,
            LatentWidth = 90,
        }, spec.Image);
        Assert.Null(spec.Chat);
    }

    [Fact]
    public void Resolve_EmptyTexts_AreEmptyAndNotDefaults()
    {
        var image = ResolveOne("""{"prompt":"a cat","negative_prompt":"","prompt_suffix":""}""").Image!;
        Assert.Equal(("a cat", ""), (image.Prompt, image.NegativePrompt));
    }

    [Fact]
    public void Resolve_EveryImageField_ReachesTheSpec()
    {
        var spec = ResolveOne("""
            {"id":"x","prompt":"p","negative_prompt":"bad","seed":"18446744073709551615","sample":5,"ratio":"4:3","area":262144,"guidance_scale":1.5,"temperature":0,
             "top_k":9,"top_p":0.5,"prompt_suffix":"!","output_format":"webp","output_compression":0,"embed_recipe":false}
            """);

        Assert.Equal(("x", 5u, ulong.MaxValue), (spec.Id, spec.SampleIndex, spec.Seed));
        Assert.Equal(new SamplingSpec(0, 9, 0.5), spec.Sampling);
        Assert.Equal(new ImageSpec
        {
            Prompt = "p!",
            NegativePrompt = "bad",
            GuidanceScale = 1.5,
            LatentHeight = 55,
            LatentWidth = 74,
            Format = PictureFormat.Webp,
            Quality = 1,
            EmbedRecipe = false,
        }, spec.Image);
    }

    [Fact]
    public void Resolve_SeveralSamples_EachHasItsOwnNumberAndDerivedSeed()
    {
        var drawn = Resolve("""{"id":"x","prompt":"p","n":3}""").Specs;
        Assert.Equal([0u, 1u, 2u], drawn.Select(spec => spec.SampleIndex));
        Assert.Equal(3, drawn.Select(spec => spec.Seed).Distinct().Count());

        // One sample, asked for again by its seed and number, is the same work.
        var again = ResolveOne($$"""{"id":"x","prompt":"p","seed":{{drawn[2].Seed}},"sample":2}""");
        Assert.Equal(drawn[2], again);

        Assert.All(Resolve("""{"prompt":"p","n":3,"seed":4}""").Specs, spec => Assert.Equal(4ul, spec.Seed));
    }

    [Theory]
    [InlineData("""{"question":"?"}""", "from", "the job")]
    [InlineData("""{"question":"?","stop":null}""", "from", "the job")]
    [InlineData("""{"question":"?","stop":[]}""")]
    [InlineData("""{"question":"?","stop":"one"}""", "one")]
    [InlineData("""{"messages":[{"role":"user","content":"?"}],"stop":["one","\n"]}""", "one", "\n")]
    [InlineData("""{"custom_id":"x","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"?"}],"stop":["a","b","c","d"]}}""", "a", "b", "c", "d")]
    public void Resolve_Stop_IsOneOrAFewStringsOrTheJobs(string line, params string[] expected)
    {
        var spec = ResolveOne(line, Context(defaults: ItemRequest.Empty with { Stop = ["from", "the job"] }));
        Assert.Equal(expected, spec.Chat!.Stop ?? []);
    }

    [Fact]
    public void Resolve_Question_IsOneGreedyTurnWithItsPictures()
    {
        var picture = DataUrls.Png(3, 2);
        var resolution = Resolve($$"""{"image":["{{picture}}","{{DataUrls.Png(4, 4)}}"],"question":"What is it?"}""");
        Assert.Empty(resolution.Errors);
        var spec = Assert.Single(resolution.Specs);

        Assert.Equal(new SamplingSpec(0, 0, 1), spec.Sampling);
        Assert.Equal(1_024, spec.Chat!.MaxNewTokens);
        var turn = Assert.Single(spec.Chat.Turns);
        Assert.Equal("user", turn.Role);
        Assert.Equal(3, turn.Parts.Count);
        Assert.Equal("What is it?", turn.Parts[2].Text);
        Assert.Equal(2, resolution.Pictures.Count);
        Assert.Equal($"t/job/inputs/{Convert.ToHexStringLower(resolution.Pictures[0].Hash)}", turn.Parts[0].PictureBlob);
        Assert.Equal(DataUrls.BytesOf(picture), resolution.Pictures[0].File);
    }

    [Fact]
    public void Resolve_OpenAiBatchLines_GiveTheSameAsOurOwn()
    {
        var image = ResolveOne("""
            {"custom_id":"x","method":"POST","url":"/v1/images/generations","body":{"model":"BAAI/Emu3-Gen-hf","prompt":"p","size":"1024x1024","quality":"high",
             "response_format":"b64_json","user":"u","background":"auto","stream":false,"n":1,"seed":3}}
            """);
        Assert.Equal(ResolveOne("""{"id":"x","prompt":"p","size":"1024x1024","seed":3}"""), image);

        var chat = ResolveOne("""
            {"custom_id":"y","method":"POST","url":"/v1/chat/completions","body":{"model":"Emu3-Gen-hf","max_completion_tokens":9,"temperature":0.5,"messages":[
             {"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":"Hello"},{"role":"user","content":"?"}]}}
            """);
        Assert.Equal(["system", "user", "assistant", "user"], chat.Chat!.Turns.Select(turn => turn.Role));
        Assert.Equal(9, chat.Chat.MaxNewTokens);
        Assert.Equal(new SamplingSpec(0.5, 0, 1), chat.Sampling);
    }

    [Fact]
    public void Resolve_JobDefaults_FillWhatLinesLeaveOut()
    {
        var errors = new List<ItemError>();
        using var json = JsonDocument.Parse("""{"seed":5,"ratio":"4:3","n":2,"guidance_scale":1,"question":"What?","max_tokens":12}""");
        var defaults = ItemRequestReader.ReadDefaults(json.RootElement, errors);
        Assert.Empty(errors);
        var context = Context(defaults: defaults);

        var both = Resolve("""{"prompt":"p"}""", context: context).Specs;
        Assert.Equal(2, both.Count);
        Assert.Equal((5ul, 78, 104, 1.0), (both[0].Seed, both[0].Image!.LatentHeight, both[0].Image!.LatentWidth, both[0].Image!.GuidanceScale));

        // A line's own size puts the default's ratio out of force, and a question is asked once.
        Assert.Equal(90, Resolve("""{"prompt":"p","size":"720x720"}""", context: context).Specs[0].Image!.LatentWidth);
        var answer = ResolveOne($$"""{"image":"{{DataUrls.Png(3, 2)}}"}""", context);
        Assert.Equal(("What?", 12), (answer.Chat!.Turns[0].Parts[1].Text, answer.Chat.MaxNewTokens));
    }

    [Fact]
    public void Resolve_SmallModel_RefusesWhatDoesNotFitWithTheNumbers()
    {
        var small = Released with { MaxPositions = 512, ImageArea = 4_096 };
        var context = Context(model: small);
        Assert.Equal(256, Resolve("""{"messages":[{"role":"user","content":"Hi"}]}""", context: context).Specs[0].Chat!.MaxNewTokens);

        var error = Assert.Single(Resolve("""{"prompt":"p","area":518400}""", context: context).Errors);
        Assert.Equal("area", error.Param);
        Assert.Contains("720x720", error.Message, StringComparison.Ordinal);
        Assert.Contains("8197", error.Message, StringComparison.Ordinal);
        Assert.Contains("512", error.Message, StringComparison.Ordinal);

        var chatOnly = Context(model: Released with { CanDraw = false });
        Assert.Equal("prompt", Assert.Single(Resolve("""{"prompt":"p"}""", context: chatOnly).Errors).Param);
    }

    [Fact]
    public void Resolve_LinesInAnyOrder_GiveEachLineTheSameSpec() =>
        Gen.Int[0, 1_000].Array[1, 20].Select(Gen.ULong, (numbers, seed) => (Ids: numbers.Distinct().ToArray(), Seed: seed))
            .SelectMany(x => Gen.Shuffle(x.Ids), (x, shuffled) => (x.Ids, x.Seed, Shuffled: shuffled))
            .Sample(x =>
            {
                var context = Context(x.Seed);
                var inOrder = SpecsOf(x.Ids, context);
                var shuffled = SpecsOf(x.Shuffled, context);
                foreach (var (key, spec) in inOrder) Assert.Equal(spec, shuffled[key]);
            });

    private static Dictionary<(string, uint), ItemSpec> SpecsOf(IEnumerable<int> ids, ResolveContext context) => ids
        .SelectMany((id, i) => Resolve($$"""{"id":"{{id}}","prompt":"number {{id}}","n":{{1 + id % 3}}}""", i + 1, context).Specs)
        .ToDictionary(spec => (spec.Id, spec.SampleIndex));

    [Fact]
    public void DerivedSeed_KnownInput_NeverChanges() =>
        // Seeds of stored jobs and of recipes in pictures depend on it. SHA-256 of 8 + 4 zero bytes and "a", its first eight bytes.
        Assert.Equal(BitConverter.ToUInt64(System.Security.Cryptography.SHA256.HashData([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)'a'])), DerivedSeed.Of(0, "a", 0));
}
