using System.Text;
using Emu3.Cli;
using Emu3.Inference.Vision;
using Emu3.Storage;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Inference.Vision;

namespace Emu3.Tests.Unit.Cli;

/// <summary>Whole command lines: what is said, where, and the exit code.</summary>
[Trait("Suite", "Fast")]
public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();
    private string _input = "";
    private Func<Stream>? _openInput;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("-1")]
    [InlineData("7.0")]
    [InlineData("-9223372036854775808")]
    [InlineData("18446744073709551615")]
    public async Task Seed_AsTheApiTakesIt_IsTaken(string seed)
    {
        Assert.Equal(ExitCode.BadInput, await RunAsync(["batch", _folder.PathTo("nowhere.txt"), "--out", _folder.PathTo("out"), "--seed", seed]));
        Assert.Contains("does not exist", _error.ToString());
    }

    [Theory]
    [InlineData("batch", "in.txt")]
    [InlineData("batch", "--out", "x")]
    [InlineData("batch", "in.txt", "--out", "x", "--colour", "red")]
    [InlineData("batch", "in.txt", "--out", "x", "--n", "many")]
    [InlineData("generate")]
    [InlineData("generate", "a star", "--format", "gif")]
    [InlineData("serve", "--port", "70000")]
    [InlineData("models", "--server", "somewhere")]
    [InlineData("serve", "--devices", "cpu,gpu")]
    [InlineData("batch", "in.txt", "--out", "x", "--shard", "0/4")]
    [InlineData("batch", "in.txt", "--out", "x", "--max-failures", "-1")]
    [InlineData("batch", "in.txt", "--out", "x", "--priority", "urgent")]
    [InlineData("batch", "in.txt", "--out", "x", "--seed", "7.5")]
    [InlineData("generate", "a star", "--seed", "red")]
    [InlineData("serve", "--cors-origin", "https://app.example.org/page")]
    [InlineData("draw")]
    public async Task Usage_Wrong_IsToldInOneLine_AndExits2(params string[] arguments)
    {
        Assert.Equal(ExitCode.BadInput, await RunAsync(arguments));
        Assert.Equal("", _out.ToString());
        Assert.Contains("--help tells what there is.", _error.ToString());
        Assert.DoesNotContain("   at ", _error.ToString());
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("batch", "--help")]
    public async Task Help_Anywhere_HasTheExitCodes(params string[] arguments)
    {
        Assert.Equal(ExitCode.AllDone, await RunAsync(arguments));
        Assert.Contains("130  interrupted", _out.ToString());
    }

    [Fact]
    public async Task Batch_ShardWithoutASeed_IsRefused()
    {
        _input = "a red star\n";
        Assert.Equal(ExitCode.BadInput, await RunAsync("batch", "-", "--out", _folder.PathTo("out"), "--shard", "1/2"));
        Assert.Contains("--shard needs --seed, the same for all shards", _error.ToString());
    }

    [Fact]
    public async Task Batch_FromStandardInput_WithFlags()
    {
        await using var gateway = await FakeGateway.StartAsync();
        _input = "a red star\na blue heart\n";
        Assert.Equal(ExitCode.AllDone, await RunAsync(
            "batch", "-", "--out", _folder.PathTo("out"), "--server", gateway.Address.ToString(), "--seed", "3", "--ratio", "4:3", "--name", "{index}-{sample}", "--n", "2"));
        Assert.Equal(
            ["000000-0.png", "000001-1.png", "000002-0.png", "000003-1.png"], Directory.GetFiles(_folder.PathTo("out"), "*.png").Select(Path.GetFileName).Order());
        Assert.Contains($"4 of 4 outputs are in {_folder.PathTo("out")}.", _out.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task Batch_Example_RunsWhole()
    {
        await using var gateway = await FakeGateway.StartAsync();
        gateway.Info = gateway.Info with { Name = "emu3-tiny" };
        foreach (var name in (string[])["shapes.jsonl", "shapes.csv", "shapes.txt", "openai-batch.jsonl", "questions.jsonl"])
        {
            Assert.Equal(ExitCode.AllDone, await RunAsync(
                "batch", Repository.PathTo("examples", name), "--out", _folder.PathTo(name), "--server", gateway.Address.ToString()));
        }
    }

    [Fact]
    public async Task Batch_EmptyFile_Exits2()
    {
        File.WriteAllText(_folder.PathTo("empty.jsonl"), "\n \n");
        await AssertBadInputAsync("has no items", "batch", _folder.PathTo("empty.jsonl"), "--out", _folder.PathTo("out"));
    }

    [Theory]
    [InlineData("serve", "--port", "abc")]
    [InlineData("serve", "--port", "2147483648")]
    [InlineData("serve", "--port", "70000")]
    [InlineData("serve", "--metrics-port", "abc")]
    [InlineData("serve", "--stop-timeout", "1e9")]
    [InlineData("serve", "--slots", "0")]
    [InlineData("serve", "--threads", "-1")]
    [InlineData("batch", "--max-failures", "abc", "x.jsonl", "--out", "o")]
    [InlineData("jobs", "--limit", "abc", "list")]
    public async Task WholeNumber_ThatIsNone_IsNamedWithItsBounds(string command, string option, string value, params string[] rest)
    {
        await AssertBadInputAsync($"{option} must be a whole number", [command, .. rest, option, value]);
    }

    [Fact]
    public async Task Batch_FolderWithADamagedHeader_SkipsIt()
    {
        Directory.CreateDirectory(_folder.PathTo("photos"));
        File.WriteAllBytes(_folder.PathTo("photos", "short.bmp"), CasePhotos.Read("bmp.bmp")[..30]);
        var png = CasePhotos.Read("png_exif6.png");
        png[24] = 3; // bits of a sample that there are not
        File.WriteAllBytes(_folder.PathTo("photos", "odd.png"), png);
        await AssertBadInputAsync("short.bmp can't be read", "batch", _folder.PathTo("photos"), "--ask", "What?", "--out", _folder.PathTo("out"));
        Assert.Contains("odd.png can't be read", _error.ToString());
    }

    [Fact]
    public Task Batch_MissingFile_Exits2() => AssertBadInputAsync("does not exist", "batch", _folder.PathTo("none.jsonl"), "--out", _folder.PathTo("out"));

    [Fact]
    public async Task Batch_NotUtf8_Exits2()
    {
        File.WriteAllBytes(_folder.PathTo("latin.txt"), Encoding.Latin1.GetBytes("ein schöner Stern"));
        await AssertBadInputAsync("is not UTF-8", "batch", _folder.PathTo("latin.txt"), "--out", _folder.PathTo("out"));
    }

    [Fact]
    public async Task Batch_Line17Malformed_IsToldBeforeAnyClusterStarts()
    {
        File.WriteAllLines(_folder.PathTo("in.jsonl"), Enumerable.Range(1, 20).Select(i => i == 17 ? "{\"prompt\" \"a\"}" : "{\"prompt\":\"a\"}"));
        await AssertBadInputAsync("in.jsonl line 17: is not a JSON object", "batch", _folder.PathTo("in.jsonl"), "--out", _folder.PathTo("out"));
        Assert.False(Directory.Exists(_folder.PathTo("data")));
    }

    [Fact]
    public async Task Batch_UnknownRatio_Exits2()
    {
        File.WriteAllText(_folder.PathTo("in.jsonl"), "{\"prompt\":\"a\",\"ratio\":\"wide\"}");
        await AssertBadInputAsync("line 1: ratio must be two whole numbers with a colon", "batch", _folder.PathTo("in.jsonl"), "--out", _folder.PathTo("out"));
    }

    [Fact]
    public async Task Batch_UnknownRatioAsFlag_IsNamedAsTheFlag()
    {
        File.WriteAllText(_folder.PathTo("in.txt"), "a star");
        await AssertBadInputAsync("--ratio must be two whole numbers", "batch", _folder.PathTo("in.txt"), "--out", _folder.PathTo("out"), "--ratio", "wide");
    }

    [Theory]
    [InlineData("")]
    [InlineData("out")]
    public async Task Batch_OutInsideTheInputFolder_Exits2(string inside)
    {
        Directory.CreateDirectory(_folder.PathTo("photos"));
        await AssertBadInputAsync("is inside the input folder", "batch", _folder.PathTo("photos"), "--ask", "What?", "--out", _folder.PathTo("photos", inside));
    }

    [Fact]
    public async Task Batch_OutInsideTheInputFolderThroughALink_Exits2()
    {
        Directory.CreateDirectory(_folder.PathTo("photos"));
        Directory.CreateSymbolicLink(_folder.PathTo("link"), _folder.PathTo("photos"));
        await AssertBadInputAsync("is inside the input folder", "batch", _folder.PathTo("photos"), "--ask", "What?", "--out", _folder.PathTo("link", "out"));
    }

    [Fact]
    public async Task Batch_FolderWithoutAQuestion_Exits2()
    {
        Directory.CreateDirectory(_folder.PathTo("photos"));
        await AssertBadInputAsync("--ask", "batch", _folder.PathTo("photos"), "--out", _folder.PathTo("out"));
    }

    [Fact]
    public async Task Batch_FolderWithoutPictures_Exits2()
    {
        Directory.CreateDirectory(_folder.PathTo("photos"));
        await AssertBadInputAsync("has no PNG, JPEG, WebP, GIF or BMP pictures", "batch", _folder.PathTo("photos"), "--ask", "What?", "--out", _folder.PathTo("out"));
    }

    [Fact]
    public async Task Batch_UnreadablePictures_AreAllTold()
    {
        Directory.CreateDirectory(_folder.PathTo("photos"));
        File.WriteAllText(_folder.PathTo("photos", "a.jpg"), "not a picture");
        File.WriteAllBytes(_folder.PathTo("photos", "b.png"), HugePngHeader());
        await AssertBadInputAsync("a.jpg is not a PNG, JPEG, WebP, GIF or BMP picture", "batch", _folder.PathTo("photos"), "--ask", "What?", "--out", _folder.PathTo("out"));
        Assert.Contains("b.png has 100000x100000 pixels", _error.ToString());
    }

    [Theory]
    [InlineData("image.png", PictureFormat.Png, 60)]
    [InlineData("image.jpg", PictureFormat.Jpeg, 8)]
    [InlineData("image.webp", PictureFormat.Webp, 8)]
    public async Task Batch_PictureCutOff_IsToldBeforeAnythingRuns(string name, PictureFormat format, int missing)
    {
        var pixels = new byte[16 * 16 * 3];
        new Random(5).NextBytes(pixels);
        File.WriteAllBytes(_folder.PathTo(name), PictureFiles.Encode(new(16, 16, pixels), format)[..^missing]);
        File.WriteAllText(_folder.PathTo("in.jsonl"), $"{{\"image\":\"{name}\",\"question\":\"What?\"}}\n");
        await AssertBadInputAsync("is cut off: its end is missing", "batch", _folder.PathTo("in.jsonl"), "--out", _folder.PathTo("out"));
    }

    [Fact]
    public async Task Batch_FolderAsItIsTyped_IsCaptioned()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Directory.CreateDirectory(_folder.PathTo("photos"));
        File.Copy(Repository.PathTo("models", "emu3-tiny", "golden", "0.png"), _folder.PathTo("photos", "a.png"));
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), _folder.PathTo("photos"));
        string[] spellings = [relative, relative + "/", "./" + relative, relative + "/../photos/."];
        foreach (var (number, typed) in spellings.Index())
        {
            var output = Path.GetRelativePath(Directory.GetCurrentDirectory(), _folder.PathTo($"out{number}"));
            Assert.Equal(ExitCode.AllDone, await RunAsync("batch", typed, "--ask", "What?", "--out", output, "--server", gateway.Address.ToString()));
            Assert.Equal("", _error.ToString());
            Assert.Contains("\"file_name\":\"../photos/a.png\"", File.ReadAllText(_folder.PathTo($"out{number}", "metadata.jsonl")));
        }
    }

    [Theory]
    [InlineData("--out is empty", "batch", "in.txt", "--out", "")]
    [InlineData("FILE is empty", "batch", "", "--out", "x")]
    [InlineData("--data is empty", "batch", "in.txt", "--out", "x", "--data", "")]
    [InlineData("--model is empty", "generate", "a star", "--model", " ")]
    [InlineData("--vision is empty", "generate", "a star", "--vision", "")]
    [InlineData("--out is empty", "generate", "a star", "-o", "")]
    [InlineData("DIR is empty", "verify", "")]
    public async Task Path_Empty_IsNamed(string message, params string[] arguments)
    {
        Assert.Equal(ExitCode.BadInput, await RunAsync(arguments));
        Assert.Contains(message, _error.ToString());
    }

    [Fact]
    public async Task Unexpected_IsNotReportedAsAClusterThatCouldNotStart()
    {
        _openInput = () => throw new InvalidOperationException("this can't be");
        Assert.Equal(ExitCode.Unexpected, await RunAsync("batch", "-", "--out", _folder.PathTo("out")));
        Assert.Equal($"Unexpected error, a bug in emu3: InvalidOperationException: this can't be (--verbose shows where).{Environment.NewLine}", _error.ToString());
        Assert.Equal(ExitCode.Unexpected, await RunAsync("batch", "-", "--out", _folder.PathTo("out"), "--verbose"));
        Assert.Contains("   at ", _error.ToString());
    }

    [Theory]
    [InlineData("{\"id\":7,\"spec\":{},\"sample\":\"x\"}")]
    [InlineData("{\"id\":\"a\",\"spec\":\"b\",\"sample\":-1}")]
    public async Task Batch_MetadataOfAnotherProgram_Exits2(string line)
    {
        Directory.CreateDirectory(_folder.PathTo("mine"));
        File.WriteAllText(_folder.PathTo("mine", "metadata.jsonl"), line + "\n");
        await using var gateway = await FakeGateway.StartAsync();
        _input = "a star\n";
        Assert.Equal(ExitCode.BadInput, await RunAsync("batch", "-", "--out", _folder.PathTo("mine"), "--server", gateway.Address.ToString()));
        Assert.Contains("was not written by emu3 batch", _error.ToString());
    }

    [Fact]
    public async Task Batch_PathWithANulCharacter_IsTheErrorOfItsLine()
    {
        File.WriteAllText(_folder.PathTo("in.jsonl"), "{\"image\":\"a\\u0000b\",\"question\":\"What?\"}\n");
        await AssertBadInputAsync("line 1: image", "batch", _folder.PathTo("in.jsonl"), "--out", _folder.PathTo("out"));
        Assert.Contains("NUL", _error.ToString());
    }

    [Fact]
    public async Task Batch_GatewayNotThere_Exits3()
    {
        File.WriteAllText(_folder.PathTo("in.txt"), "a star");
        Uri gone;
        await using (var gateway = await FakeGateway.StartAsync())
        {
            gone = gateway.Address;
        }

        using var client = new GatewayClient(gone, TimeProvider.System, TimeSpan.FromMilliseconds(1));
        var refusal = await Assert.ThrowsAsync<CommandException>(() => client.ModelsAsync(TestContext.Current.CancellationToken));
        Assert.Equal(ExitCode.NotStarted, refusal.ExitCode);
        Assert.Contains("does not answer", refusal.Message);
    }

    [Fact]
    public async Task Batch_SecondProcessOnOneDataFolder_BecomesAClientOfTheFirst()
    {
        await using var gateway = await FakeGateway.StartAsync();
        using var first = DataFolder.At(_folder.PathTo("data")).TryLock()!;
        first.PublishServerAddress(gateway.Address);
        _input = "a star\n";
        Assert.Equal(ExitCode.AllDone, await RunAsync("batch", "-", "--out", _folder.PathTo("out"), "--data", _folder.PathTo("data")));
        Assert.Contains($"process {Environment.ProcessId}, {gateway.Address}", _error.ToString());
        Assert.Single(gateway.Submissions);
    }

    [Fact]
    public async Task Batch_FirstProcessHasAnotherModel_Exits3()
    {
        await using var gateway = await FakeGateway.StartAsync();
        using var first = DataFolder.At(_folder.PathTo("data")).TryLock()!;
        first.PublishServerAddress(gateway.Address);
        _input = "a star\n";
        Assert.Equal(ExitCode.NotStarted, await RunAsync("batch", "-", "--out", _folder.PathTo("out"), "--data", _folder.PathTo("data"), "--model", "BAAI/Emu3-Gen-hf"));
        Assert.Contains("runs fake, not Emu3-Gen-hf", _error.ToString());
    }

    [Fact]
    public async Task Serve_SecondProcessOnOneDataFolder_Exits3()
    {
        using var first = DataFolder.At(_folder.PathTo("data")).TryLock()!;
        first.PublishServerAddress(new("http://127.0.0.1:8080"));
        Assert.Equal(ExitCode.NotStarted, await RunAsync("serve", "--data", _folder.PathTo("data")));
        Assert.Contains($"Another emu3 (process {Environment.ProcessId}, http://127.0.0.1:8080/)", _error.ToString());
    }

    [Fact]
    public async Task Models_TellsWhatIsServed()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.AllDone, await RunAsync("models", "--server", gateway.Address.ToString()));
        Assert.Contains("fake", _out.ToString());
        Assert.Contains("draws, answers", _out.ToString());
        Assert.Contains("guidance 1.5, temperature 0.7", _out.ToString());
    }

    [Theory]
    [InlineData("star.gif", "ends in \".gif\"")]
    [InlineData("missing/star.png", "does not exist")]
    public Task Generate_OutThatCantBeWritten_Exits2(string name, string message) => AssertBadInputAsync(message, "generate", "a star", "-o", _folder.PathTo(name));

    [Fact]
    public Task Chat_PictureThatIsNotThere_Exits2() => AssertBadInputAsync("does not exist", "chat", _folder.PathTo("none.png"), "What?");

    [Fact]
    public Task Command_ModelThatIsNotThere_Exits2() => AssertBadInputAsync("There is no folder", "generate", "a star", "-o", _folder.PathTo("s.png"), "--model", _folder.PathTo("none"), "--data", _folder.PathTo("data"));

    [Fact]
    public async Task Command_MissingShard_IsNamed()
    {
        var model = _folder.PathTo("broken");
        Directory.CreateDirectory(model);
        File.Copy(Repository.PathTo("models", "emu3-tiny", "config.json"), Path.Combine(model, "config.json"));
        File.WriteAllText(Path.Combine(model, "model.safetensors.index.json"), """{"weight_map":{"text_model.lm_head.weight":"model-00002-of-00002.safetensors"}}""");
        await AssertBadInputAsync(
            "model-00002-of-00002.safetensors", "generate", "a star", "-o", _folder.PathTo("s.png"), "--model", model, "--data", _folder.PathTo("data"));
    }

    private static byte[] HugePngHeader() =>
    [
        0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R', 0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0, 8, 2, 0, 0, 0, 0, 0, 0, 0,
    ];

    private async Task AssertBadInputAsync(string message, params string[] arguments)
    {
        Assert.Equal(ExitCode.BadInput, await RunAsync(arguments));
        Assert.Contains(message, _error.ToString());
        Assert.DoesNotContain("   at ", _error.ToString());
        Assert.False(Directory.Exists(_folder.PathTo("out")));
    }

    private Task<int> RunAsync(params string[] arguments)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        return CommandLine.RunAsync(arguments, new()
        {
            Out = _out,
            Error = _error,
            OpenInput = _openInput ?? (() => new MemoryStream(Encoding.UTF8.GetBytes(_input))),
            IsLive = false,
            Time = TimeProvider.System,
        }, TestContext.Current.CancellationToken);
    }
}
