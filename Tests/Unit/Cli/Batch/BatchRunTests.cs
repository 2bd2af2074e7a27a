using System.Text.Json.Nodes;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Cli.Batch;

[Trait("Suite", "Fast")]
public sealed class BatchRunTests : IDisposable
{
    private const string ThreePrompts = "{\"id\":\"star\",\"prompt\":\"a red star\"}\n{\"id\":\"heart\",\"prompt\":\"a heart\",\"n\":2}\n{\"prompt\":\"a ring\",\"ratio\":\"4:3\"}\n";
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Out => _folder.PathTo("out");

    private BatchOptions Options => new() { Input = _folder.PathTo("in.jsonl"), Out = Out, Seed = 7 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_NewFolder_HasEveryPictureItsMetadataAndAContactSheet()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        var records = Metadata();
        Assert.Equal([("star", 0), ("heart", 0), ("heart", 1), ("3", 0)], records.Select(record => (record["id"]!.ToString(), record["sample"]!.GetValue<int>())));
        Assert.All(records, record =>
        {
            var name = record["file_name"]!.ToString();
            Assert.Equal($"{record["id"]}-{record["seed"]}.png", name);
            Assert.Equal($"{record["prompt"]} {record["seed"]} {record["sample"]}", File.ReadAllText(Path.Combine(Out, name)));
            Assert.Equal(record["prompt"]!.ToString(), record["text"]!.ToString());
        });
        Assert.Equal(4, File.ReadAllText(Path.Combine(Out, "index.html")).Split("<figure>").Length - 1);
        Assert.Equal(4, Directory.GetFiles(Out, "*.png").Length);
        Assert.Contains("0 done, 4 new, 0 changed", _out.ToString());
        Assert.Empty(gateway.Jobs);
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task Run_Again_MakesNothing()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, ThreePrompts);
        var before = File.ReadAllText(Path.Combine(Out, "metadata.jsonl"));
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        Assert.Contains("4 done, 0 new, 0 changed", _out.ToString());
        Assert.Single(gateway.Submissions);
        Assert.Equal(before, File.ReadAllText(Path.Combine(Out, "metadata.jsonl")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Run_InterruptedAndStartedAgain_GoesOnInTheSameJob_AndMakesNothingTwice(int madeBefore)
    {
        await using var gateway = await FakeGateway.StartAsync(madeBefore);
        await InterruptAsync(gateway, madeBefore);
        Assert.Single(gateway.Jobs);

        gateway.Allow(100);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        Assert.Single(gateway.Submissions);
        Assert.All(gateway.Made.Values, count => Assert.Equal(1, count));
        Assert.Equal(4, Metadata().Count);
        Assert.Contains($"{madeBefore} done, {4 - madeBefore} new, 0 changed ({4 - madeBefore} of the new are underway", _out.ToString());
    }

    [Fact]
    public async Task Run_ConnectionDropsAllTheTime_LosesNothingAndRepeatsNothing()
    {
        await using var gateway = await FakeGateway.StartAsync();
        gateway.EventsPerConnection = 1;
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        Assert.Equal(4, Metadata().Count);
        Assert.All(gateway.Made.Values, count => Assert.Equal(1, count));
    }

    [Fact]
    public async Task Run_KilledBeforeTheAnswerToItsSubmissionWasWritten_FindsTheJobUnderItsKey()
    {
        await using var gateway = await FakeGateway.StartAsync(0);
        await InterruptAsync(gateway, 0);
        var journal = _folder.PathTo("out", ".emu3", "journal.jsonl");
        var lines = File.ReadAllLines(journal);
        File.WriteAllText(journal, string.Concat(lines.TakeWhile(line => !line.Contains("accepted", StringComparison.Ordinal)).Select(line => line + "\n")) + "{\"entry\":\"acc");

        gateway.Allow(100);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        Assert.Equal(2, gateway.Submissions.Count);
        Assert.Single(gateway.Submissions.DistinctBy(submission => submission.Key));
        Assert.All(gateway.Made.Values, count => Assert.Equal(1, count));
        Assert.Equal(4, Metadata().Count);
    }

    [Fact]
    public async Task Run_MetadataTornByACrash_IsRepaired_AndTheOutputFetchedAgain()
    {
        await using var gateway = await FakeGateway.StartAsync(2);
        await InterruptAsync(gateway, 2);
        var metadata = _folder.PathTo("out", "metadata.jsonl");
        var lines = File.ReadAllLines(metadata);
        File.WriteAllText(metadata, lines[0] + "\n" + lines[1][..40]);

        gateway.Allow(100);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        Assert.Equal(4, Metadata().DistinctBy(record => record["file_name"]!.ToString()).Count());
    }

    [Fact]
    public async Task Run_JobGoneWithItsDataFolder_MakesTheRestInANewOne()
    {
        await using (var first = await FakeGateway.StartAsync(2))
        {
            await InterruptAsync(first, 2);
        }

        await using var second = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.AllDone, await RunAsync(second, ThreePrompts));
        Assert.Equal(2, second.Made.Count);
        Assert.Equal(4, Metadata().Count);
    }

    [Fact]
    public async Task Run_PictureDeletedByHand_MakesJustThatSampleAgain()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, ThreePrompts);
        var before = Metadata();
        File.Delete(_folder.PathTo("out", before[2]["file_name"]!.ToString()));
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
        Assert.Equal(2, gateway.Made[("heart", 1)]);
        Assert.Equal(1, gateway.Made[("heart", 0)]);
        Assert.Equal(before.Select(record => record.ToJsonString()), Metadata().Select(record => record.ToJsonString()));
    }

    [Fact]
    public async Task Run_LinesAdded_MakesThose_WhateverTheirPlace()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, "{\"id\":\"a\",\"prompt\":\"a star\"}\n{\"id\":\"b\",\"prompt\":\"a heart\"}\n");
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, "{\"id\":\"c\",\"prompt\":\"a ring\"}\n{\"id\":\"b\",\"prompt\":\"a heart\"}\n{\"id\":\"a\",\"prompt\":\"a star\"}\n"));
        Assert.Contains("2 done, 1 new, 0 changed", _out.ToString());
        Assert.Equal(["c", "b", "a"], Metadata().Select(record => record["id"]!.ToString()));
    }

    [Fact]
    public async Task Run_Changed_IsRefusedWithItsLine_AndNothingRuns()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, ThreePrompts);
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts.Replace("a ring", "a cross", StringComparison.Ordinal)));
        Assert.Equal(ExitCode.BadInput, refusal.ExitCode);
        Assert.Contains("--overwrite", refusal.Message);
        Assert.Contains("line 3", _error.ToString());
        Assert.Contains("3 done, 0 new, 1 changed", _out.ToString());
        Assert.Single(gateway.Submissions);
    }

    [Fact]
    public async Task Run_ChangedWithOverwrite_ReplacesThePictureAndItsRecord()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, ThreePrompts);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts.Replace("a ring", "a cross", StringComparison.Ordinal), Options with { Overwrite = true }));
        Assert.Equal(["a red star", "a heart", "a heart", "a cross"], Metadata().Select(record => record["prompt"]!.ToString()));
        Assert.Equal(4, Directory.GetFiles(Out, "*.png").Length);
        Assert.Equal(1, gateway.Made[("star", 0)]);
    }

    [Fact]
    public async Task Run_ChangedWhileUnderway_WithOverwrite_KeepsOnlyTheNewOne()
    {
        await using var gateway = await FakeGateway.StartAsync(2);
        await InterruptAsync(gateway, 2);
        gateway.Allow(100);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts.Replace("a ring", "a cross", StringComparison.Ordinal), Options with { Overwrite = true }));
        Assert.Equal(["a red star", "a heart", "a heart", "a cross"], Metadata().Select(record => record["prompt"]!.ToString()));
        Assert.Equal(4, Directory.GetFiles(Out, "*.png").Length);
        Assert.Empty(gateway.Jobs);
    }

    [Fact]
    public async Task Run_OtherWeights_ChangeEverything()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, ThreePrompts);
        gateway.Info = gateway.Info with { WeightsHash = "w2" };
        await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts));
        Assert.Contains("0 done, 0 new, 4 changed", _out.ToString());
    }

    [Fact]
    public async Task Run_ItemFails_IsListedWithItsReason_AndRunsAgainOnlyWhenAsked()
    {
        await using var gateway = await FakeGateway.StartAsync();
        gateway.Failing["heart"] = "the device was lost";
        Assert.Equal(ExitCode.SomeFailed, await RunAsync(gateway, ThreePrompts));
        Assert.Contains("2 failed; --retry-failed", _error.ToString());
        Assert.Contains("heart (sample 1): the device was lost", _error.ToString());

        gateway.Failing.Clear();
        Assert.Equal(ExitCode.SomeFailed, await RunAsync(gateway, ThreePrompts));
        Assert.Single(gateway.Submissions);
        Assert.Contains("2 done, 0 new, 0 changed, 2 failed before", _out.ToString());

        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts, Options with { RetryFailed = true }));
        Assert.Equal(4, Metadata().Count);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
    }

    [Fact]
    public async Task Run_GatewayRefusesLines_AreToldWithTheLinesOfTheFile()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, "{\"id\":\"star\",\"prompt\":\"a red star\"}\n");
        gateway.Unmeasurable["3"] = "takes 600 positions, and the model has 512.";
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts));
        Assert.Contains("in.jsonl line 3: prompt takes 600 positions", refusal.Message);
        gateway.Unmeasurable.Clear();
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts));
    }

    [Fact]
    public async Task Run_BadLines_AreAllToldAndLeaveNothingBehind()
    {
        await using var gateway = await FakeGateway.StartAsync();
        var text = string.Concat(Enumerable.Range(1, 20).Select(i => i switch
        {
            5 => "{\"prompt\":\"a\",\"ratio\":\"4;3\"}\n",
            9 => "{\"prompt\":\"a\",\"colour\":\"red\"}\n",
            12 => "{\"prompt\":\"a\",\"area\":1000000}\n",
            17 => "{\"prompt\": \"a\n",
            _ => $"{{\"prompt\":\"{i}\"}}\n",
        }));
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, text));
        Assert.Equal(ExitCode.BadInput, refusal.ExitCode);
        Assert.Contains("line 5: ratio must be", refusal.Message);
        Assert.Contains("line 9: colour is not a known field", refusal.Message);
        Assert.Contains("line 12: area gives", refusal.Message);
        Assert.Contains("line 17: is not a JSON object", refusal.Message);
        Assert.Contains("4 lines are wrong; nothing was run.", refusal.Message);
        Assert.False(Directory.Exists(Out));
        Assert.Empty(gateway.Submissions);
    }

    [Fact]
    public async Task Run_Flags_AreDefaultsForFieldsThatLinesLeaveOut()
    {
        await using var gateway = await FakeGateway.StartAsync();
        var options = Options with { Defaults = new JsonObject { ["ratio"] = "1:4", ["guidance_scale"] = 2.5, ["output_format"] = "webp" }, Name = "{index}-{id}" };
        await RunAsync(gateway, ThreePrompts, options);
        var records = Metadata();
        Assert.Equal("000000-star.webp", records[0]["file_name"]!.ToString());
        Assert.True(records[0]["height"]!.GetValue<int>() > records[0]["width"]!.GetValue<int>());
        Assert.True(records[3]["height"]!.GetValue<int>() < records[3]["width"]!.GetValue<int>());
        Assert.All(records, record => Assert.Equal(2.5, record["guidance_scale"]!.GetValue<double>()));
    }

    [Fact]
    public async Task Run_FlagOutOfRange_IsNamedAsTheCommandLineNamesIt()
    {
        await using var gateway = await FakeGateway.StartAsync();
        var options = Options with { Defaults = new JsonObject { ["output_compression"] = 200 } };
        Assert.StartsWith("--quality must be", (await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts, options))).Message);
    }

    [Fact]
    public async Task Run_WithoutASeed_DrawsOneAndKeepsIt()
    {
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway, ThreePrompts, Options with { Seed = null });
        var seeds = Metadata().Select(record => record["seed"]!.ToString()).ToList();
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts, Options with { Seed = null }));
        Assert.Equal(seeds, Metadata().Select(record => record["seed"]!.ToString()));
    }

    [Fact]
    public async Task Run_FolderOfPictures_IsCaptionedInItsOwnMetadata()
    {
        await using var gateway = await FakeGateway.StartAsync();
        var photos = _folder.PathTo("photos");
        Directory.CreateDirectory(Path.Combine(photos, "more"));
        foreach (var name in (string[])["b.png", "more/a.PNG"])
        {
            File.Copy(Repository.PathTo("models", "emu3-tiny", "golden", "0.png"), Path.Combine(photos, name));
        }

        var options = Options with { Input = photos, Question = "Please describe the image" };
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, null, options));
        Assert.Equal(["../photos/b.png", "../photos/more/a.PNG"], Metadata().Select(record => record["file_name"]!.ToString()));
        Assert.All(Metadata(), record =>
        {
            Assert.Equal("an answer to Please describe the image", record["text"]!.ToString());
            Assert.Equal("Please describe the image", record["question"]!.ToString());
        });
        Assert.Contains("src=\"../photos/more/a.PNG\"", File.ReadAllText(Path.Combine(Out, "index.html")));
        Assert.Contains("data:image/png;base64,", gateway.Submissions.Single().Body);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, null, options));
        Assert.Contains("2 done, 0 new", _out.ToString());
    }

    [Fact]
    public async Task Run_QuestionsOfAFile_FindTheirPicturesBesideIt()
    {
        await using var gateway = await FakeGateway.StartAsync();
        File.Copy(Repository.PathTo("models", "emu3-tiny", "golden", "0.png"), _folder.PathTo("p.png"));
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RunAsync(
            gateway, "{\"image\":\"p.png\",\"question\":\"What?\"}\n{\"image\":\"q.png\",\"question\":\"What?\"}\n"));
        Assert.Contains("line 2: image", refusal.Message);
        Assert.Contains("does not exist", refusal.Message);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, "{\"image\":\"p.png\",\"question\":\"What?\"}\n{\"image\":[\"p.png\",\"p.png\"],\"question\":\"Which?\"}\n"));
        Assert.Equal(["an answer to What?", "an answer to Which?"], Metadata().Select(record => record["text"]!.ToString()));
    }

    [Fact]
    public async Task Run_TwoOnOneFolder_SecondIsRefused()
    {
        await using var gateway = await FakeGateway.StartAsync();
        using var first = BatchFolder.Open(Out);
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts));
        Assert.Contains("Another emu3 batch", refusal.Message);
    }

    [Fact]
    public async Task Run_ForeignMetadataInTheFolder_IsLeftAlone()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Directory.CreateDirectory(Out);
        File.WriteAllText(_folder.PathTo("out", "metadata.jsonl"), "{\"file_name\":\"mine.png\"}\n");
        await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts));
        Assert.Equal("{\"file_name\":\"mine.png\"}\n", File.ReadAllText(_folder.PathTo("out", "metadata.jsonl")));
    }

    [Fact]
    public async Task DryRun_TellsWhatItWouldTake_AndWritesNothing()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, ThreePrompts, Options with { DryRun = true }));
        Assert.Contains("0 done, 4 new, 0 changed", _out.ToString());
        Assert.Contains("longest 100 of the model's 512", _out.ToString());
        Assert.Contains("(predicted)", _out.ToString());
        Assert.False(Directory.Exists(Out));
        Assert.Empty(gateway.Jobs);
    }

    [Fact]
    public async Task DryRun_TellsLinesBadByThemselvesAndLinesThatTheModelRefuses_AtOnce()
    {
        await using var gateway = await FakeGateway.StartAsync();
        gateway.Unmeasurable["star"] = "is too long.";
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RunAsync(gateway, ThreePrompts + "{\"prompt\":", Options with { DryRun = true }));
        Assert.Contains("line 1: prompt is too long.", refusal.Message);
        Assert.Contains("line 4: is not a JSON object", refusal.Message);
    }

    private async Task InterruptAsync(FakeGateway gateway, int afterOutputs)
    {
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var running = RunAsync(gateway, ThreePrompts, null, interrupt.Token);
        await gateway.Followed;
        for (var i = 0; i < afterOutputs; i++)
        {
            await gateway.Released.WaitAsync(Cancellation);
        }

        await interrupt.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task Shards_MakeTogether_WhatOneRunMakes()
    {
        await using var gateway = await FakeGateway.StartAsync();
        const string text = "a red star\na blue heart\na green ring\na yellow moon\na white square\n";
        var options = Options with { Input = _folder.PathTo("in.txt"), Seed = 7 };
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, text, options with { Out = _folder.PathTo("whole") }));
        for (var number = 1; number <= 2; number++)
        {
            var shard = new BatchShard(number, 2);
            Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, null, options with { Shard = shard, Out = _folder.PathTo("shards", shard.FolderName) }));
        }

        string[] shards = ["shards/shard-1-of-2", "shards/shard-2-of-2"];
        Assert.Equal([3, 2], shards.Select(shard => Pictures(shard).Count));
        Assert.Equal(Pictures("whole"), shards.SelectMany(Pictures).ToDictionary());
        Assert.Equal(
            AppendedLines.Peek(_folder.PathTo("whole", "metadata.jsonl")).Order(), shards.SelectMany(shard => AppendedLines.Peek(_folder.PathTo(shard, "metadata.jsonl"))).Order());

        Dictionary<string, string> Pictures(string folder) => Directory.GetFiles(_folder.PathTo(folder), "*.png")
            .ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file))));
    }

    private async Task<int> RunAsync(FakeGateway gateway, string? text, BatchOptions? options = null, CancellationToken? cancellation = null)
    {
        options ??= Options;
        if (text is not null)
        {
            await File.WriteAllTextAsync(options.Input, text, Cancellation);
        }

        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        using var client = new GatewayClient(gateway.Address, TimeProvider.System, TimeSpan.FromMilliseconds(1));
        var models = await client.ModelsAsync(Cancellation);
        var input = BatchInput.Load(options.Input, options.Format, options.Question, () => Stream.Null);
        var work = new BatchWork(options, input, Assert.Single(models));
        var console = new CliConsole
        {
            Out = _out,
            Error = _error,
            OpenInput = () => Stream.Null,
            IsLive = false,
            Time = TimeProvider.System,
        };
        var token = cancellation ?? Cancellation;
        return options.DryRun ? await new BatchDryRun(work, client, console).RunAsync(token) : await new BatchRun(work, client, console).RunAsync(token);
    }

    private List<JsonNode> Metadata() => [.. AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Select(line => JsonNode.Parse(line)!)];
}
