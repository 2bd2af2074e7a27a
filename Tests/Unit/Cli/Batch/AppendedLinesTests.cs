using System.Text;
using CsCheck;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Cli.Batch;

[Trait("Suite", "Fast")]
public sealed class AppendedLinesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WholeLines_CutAtAnyByte_AreThoseThatWereWhole() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 200]).Sample((count, cut) =>
        {
            var lines = Enumerable.Range(0, count).Select(i => $"{{\"id\":\"ü{i}\"}}").ToList();
            var whole = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
            var bytes = whole.AsSpan(0, Math.Min(cut, whole.Length));
            var read = AppendedLines.WholeLines(bytes, out var length, "x");
            return read.SequenceEqual(lines.Take(bytes.Count((byte)'\n'))) && length == bytes.LastIndexOf((byte)'\n') + 1;
        });

    [Fact]
    public void Open_TornLastLine_IsTakenAway_AndTheNextAppendStandsAlone()
    {
        var path = _folder.PathTo("lines");
        File.WriteAllText(path, "{\"a\":1}\n{\"b\":");
        var (file, lines) = AppendedLines.Open(path);
        using (file)
        {
            Assert.Equal(["{\"a\":1}"], lines);
            file.Append(["{\"c\":3}"]);
        }

        Assert.Equal("{\"a\":1}\n{\"c\":3}\n", File.ReadAllText(path));
    }

    [Fact]
    public void Open_LastLineOfZeros_AsAfterAPowerCut_IsTakenAway()
    {
        var path = _folder.PathTo("lines");
        File.WriteAllText(path, "{\"a\":1}\n\0\0\0\0\n");
        var (file, lines) = AppendedLines.Open(path);
        file.Dispose();
        Assert.Equal(["{\"a\":1}"], lines);
        Assert.Equal("{\"a\":1}\n", File.ReadAllText(path));
    }

    [Fact]
    public void Open_BadLineInTheMiddle_IsRefusedWithItsNumber_AndLeftAlone()
    {
        var path = _folder.PathTo("lines");
        File.WriteAllText(path, "{\"a\":1}\nhand made\n{\"b\":2}\n");
        var refusal = Assert.Throws<CommandException>(() => AppendedLines.Open(path));
        Assert.Contains("Line 2", refusal.Message);
        Assert.Equal("{\"a\":1}\nhand made\n{\"b\":2}\n", File.ReadAllText(path));
    }

    [Fact]
    public void Rewrite_ThenAppend_HasBoth()
    {
        var path = _folder.PathTo("lines");
        var (file, _) = AppendedLines.Open(path);
        using (file)
        {
            file.Append(["{\"a\":1}", "{\"b\":2}"]);
            file.Rewrite(["{\"b\":2}"]);
            file.Append(["{\"c\":3}"]);
        }

        Assert.Equal("{\"b\":2}\n{\"c\":3}\n", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.FullPath));
    }
}
