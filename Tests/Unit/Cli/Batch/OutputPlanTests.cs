using System.Text;
using CsCheck;
using Emu3.Cli;
using Emu3.Cli.Batch.Plan;

namespace Emu3.Tests.Unit.Cli.Batch;

[Trait("Suite", "Fast")]
public sealed class OutputPlanTests
{
    [Theory]
    [InlineData("star", "star")]
    [InlineData("../x", "_x")]
    [InlineData("..\\..\\x", "_.._x")]
    [InlineData("/etc/passwd", "_etc_passwd")]
    [InlineData("a/b", "a_b")]
    [InlineData("C:\\x", "C__x")]
    [InlineData("CON", "_CON")]
    [InlineData("nul.txt", "_nul.txt")]
    [InlineData("com1 ", "_com1")]
    [InlineData("console", "console")]
    [InlineData(" . ", "_")]
    [InlineData("", "_")]
    [InlineData("trailing. ", "trailing")]
    [InlineData("tab\tand\nline", "tab_and_line")]
    [InlineData("a<b>:\"|?*", "a_b______")]
    [InlineData("ein Stern für dich", "ein Stern für dich")]
    [InlineData("赤い星", "赤い星")]
    [InlineData("e\u0301", "é")]
    [InlineData("right\u202Eto left", "right_to left")]
    [InlineData(".emu3", "emu3")]
    public void SafeStem_AnyId_StaysAFileName(string id, string stem) => Assert.Equal(stem, OutputPlan.SafeStem(id));

    [Fact]
    public void SafeStem_HalfOfASurrogatePair_IsReplaced() => Assert.Equal("_half", OutputPlan.SafeStem("\ud800half"));

    [Fact]
    public void SafeStem_VeryLong_IsCutBetweenCharactersAndStaysDistinct()
    {
        var one = OutputPlan.SafeStem(new string('星', 500) + "1");
        var other = OutputPlan.SafeStem(new string('星', 500) + "2");
        Assert.NotEqual(one, other);
        Assert.InRange(Encoding.UTF8.GetByteCount(one), 100, 200);
        Assert.DoesNotContain('\uFFFD', one);
    }

    [Fact]
    public void Name_Placeholders_AreFilledIn() =>
        Assert.Equal("star-7-1-000012.png", Plan("{id}-{seed}-{sample}-{index}").Name(12, "star", 7, 1, ".png"));

    [Theory]
    [InlineData("{id}-{foo}")]
    [InlineData(" ")]
    public void Pattern_UnknownOrEmpty_IsRefusedWithWhatIsAllowed(string pattern)
    {
        var refusal = Assert.Throws<CommandException>(() => Plan(pattern));
        Assert.Equal(ExitCode.BadInput, refusal.ExitCode);
        Assert.Contains("{sample}", refusal.Message);
    }

    [Fact]
    public void Name_SameTwiceOrTakenOrOnlyInCaseDifferent_GetsANumber()
    {
        var plan = new OutputPlan("{id}", 4, ["taken.png"]);
        Assert.Equal("a.png", plan.Name(0, "a", 0, 0, ".png"));
        Assert.Equal("a-2.png", plan.Name(1, "a", 0, 1, ".png"));
        Assert.Equal("A-3.png", plan.Name(2, "A", 0, 0, ".png"));
        Assert.Equal("taken-2.png", plan.Name(3, "taken", 0, 0, ".png"));
        Assert.Equal("a.jpg", plan.Name(4, "a", 0, 0, ".jpg"));
    }

    [Fact]
    public void Name_MoreThanAThousand_GoIntoFoldersOfAThousand()
    {
        var plan = new OutputPlan("{id}", 2_500, []);
        var names = Enumerable.Range(0, 2_500).Select(i => plan.Name(i, $"i{i}", 0, 0, ".png")).ToList();
        Assert.Equal("000/i0.png", names[0]);
        Assert.Equal("002/i2499.png", names[^1]);
        Assert.All(names.GroupBy(name => name[..3]), folder => Assert.InRange(folder.Count(), 1, OutputPlan.FilesInFolder));
        Assert.DoesNotContain('/', new OutputPlan("{id}", 1_000, []).Name(0, "i", 0, 0, ".png"));
    }

    [Fact]
    public void Name_AnyIds_AreDistinctFilesInsideTheFolder() =>
        Gen.String.Array[1, 40].Sample(ids =>
        {
            var plan = new OutputPlan("{id}", ids.Length, []);
            var names = ids.Select((id, i) => plan.Name(i, id, 0, 0, ".png")).ToList();
            var root = Path.GetFullPath("/out");
            return names.Distinct(StringComparer.OrdinalIgnoreCase).Count() == names.Count
                && names.All(name => Path.GetDirectoryName(Path.GetFullPath(name, root)) == root && Encoding.UTF8.GetByteCount(name) <= 255
                    && name.IndexOfAny(['/', '\\', '\0', ':']) < 0);
        }, iter: 2_000);

    private static OutputPlan Plan(string pattern) => new(pattern, 1, []);
}
