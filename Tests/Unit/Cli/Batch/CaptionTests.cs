using System.Text.Json.Nodes;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Inference.Vision;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Inference.Vision;

namespace Emu3.Tests.Unit.Cli.Batch;

/// <summary>A folder of photos as they occur, captioned: what is asked, what is skipped, and how the output folder names the pictures.</summary>
[Trait("Suite", "Fast")]
public sealed class CaptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    private string Out => _folder.PathTo("out");

    private string Photos => _folder.PathTo("photos");

    public CaptionTests() => Directory.CreateDirectory(Photos);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_CasePhotos_AllThatCanBeReadAreAsked_TheRestIsNamed_Exit1()
    {
        foreach (var name in CasePhotos.Names)
        {
            File.WriteAllBytes(Path.Combine(Photos, name), CasePhotos.Read(name));
        }

        File.Move(Path.Combine(Photos, "gif.gif"), Path.Combine(Photos, "no-ending"));
        File.WriteAllBytes(Path.Combine(Photos, "phone.heic"), [0, 0, 0, 24, .. "ftypheic"u8, 0, 0, 0, 0]);
        await using var gateway = await FakeGateway.StartAsync();
        for (var run = 0; run < 2; run++)
        {
            Assert.Equal(ExitCode.SomeFailed, await RunAsync(gateway));
            Assert.Equal(
                $"""
                3 files can't be asked about; the rest goes on, and they are named at the end.
                3 files skipped:
                  jpeg_cut_half.jpg is cut off: its end is missing.
                  phone.heic is a HEIC picture; PNG, JPEG, WebP, GIF or BMP can be read: convert it first.
                  really_html.jpg is not a PNG, JPEG, WebP, GIF or BMP picture.

                """.ReplaceLineEndings(), _error.ToString());
        }

        var readable = CasePhotos.Names.Where(name => CasePhotos.ExpectedOf(name) is not null).Select(name => name == "gif.gif" ? "no-ending" : name).Order(StringComparer.Ordinal);
        Assert.Equal(readable, Metadata().Select(record => record["id"]!.ToString()));
        Assert.Single(gateway.Submissions);
        Assert.All(Metadata(), record => Assert.True(File.Exists(Path.Combine(Out, record["file_name"]!.ToString()))));
    }

    [Fact]
    public async Task DryRun_NamesTheSkipped_Exit1()
    {
        Put("a.png");
        File.WriteAllText(Path.Combine(Photos, "b.png"), "no picture");
        await using var gateway = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.SomeFailed, await RunAsync(gateway, "--dry-run"));
        Assert.Contains("  b.png is not a PNG", _error.ToString());
        Assert.Contains("outputs 1", _out.ToString());
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public async Task Run_OutThroughALink_NamesCountFromWhereTheFolderIs()
    {
        Put("a.png");
        Directory.CreateDirectory(_folder.PathTo("disk", "deep", "captions"));
        Directory.CreateSymbolicLink(Out, _folder.PathTo("disk", "deep", "captions"));
        await using var gateway = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway));
        var name = Assert.Single(Metadata())["file_name"]!.ToString();
        Assert.True(File.Exists(Path.GetFullPath(name, RealPath.Of(Out))), name); // the system follows the link before it goes up
        Assert.Contains("src=\"../photos/a.png\"", File.ReadAllText(Path.Combine(Out, "index.html"))); // a browser goes up first
    }

    [Fact]
    public async Task Run_FoldersMovedSince_NamesAreRenewed_AndNothingIsAskedAgain()
    {
        Put("a.png");
        await using var gateway = await FakeGateway.StartAsync();
        await RunAsync(gateway);
        var metadata = Path.Combine(Out, "metadata.jsonl");
        File.WriteAllText(metadata, File.ReadAllText(metadata).Replace("../photos/a.png", "a.png", StringComparison.Ordinal)); // as earlier versions named it
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway));
        Assert.Contains("1 done, 0 new", _out.ToString());
        Assert.Equal("../photos/a.png", Assert.Single(Metadata())["file_name"]!.ToString());
    }

    [Fact]
    public async Task Run_QuestionAboutSeveralPictures_NamesAll()
    {
        Put("a.png", "b.png");
        File.WriteAllText(_folder.PathTo("in.jsonl"), "{\"image\":[\"photos/a.png\",\"photos/b.png\"],\"question\":\"Which?\"}\n");
        await using var gateway = await FakeGateway.StartAsync();
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, input: _folder.PathTo("in.jsonl")));
        Assert.Equal("""["../photos/a.png","../photos/b.png"]""", Assert.Single(Metadata())["pictures"]!.ToJsonString());
    }

    [Fact]
    public async Task Chat_OnlyAPicture_AsksForTheQuestion_WhateverItsEnding()
    {
        Put("photo");
        Assert.Equal(ExitCode.BadInput, await CommandAsync("chat", Path.Combine(Photos, "photo")));
        Assert.Contains("The question is missing", _error.ToString());
    }

    private void Put(params string[] names)
    {
        foreach (var name in names)
        {
            File.WriteAllBytes(Path.Combine(Photos, name), PictureFiles.Encode(new(4, 4, new byte[48]), PictureFormat.Png));
        }
    }

    private Task<int> RunAsync(FakeGateway gateway, string? flag = null, string? input = null) => CommandAsync(
        ["batch", input ?? Photos, "--ask", "What is it?", "--out", Out, "--server", gateway.Address.ToString(), .. flag is null ? Array.Empty<string>() : [flag]]);

    private Task<int> CommandAsync(params string[] arguments)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        return CommandLine.RunAsync(
            arguments, new() { Out = _out, Error = _error, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System }, TestContext.Current.CancellationToken);
    }

    private List<JsonNode> Metadata() => [.. AppendedLines.Peek(Path.Combine(Out, "metadata.jsonl")).Select(line => JsonNode.Parse(line)!)];
}
