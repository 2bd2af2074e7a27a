namespace Emu3.Tests.Golden;

[Trait("Suite", "Fast")]
public sealed class GoldenFolderTests
{
    [Fact]
    public void Open_NoSuchFolder_FailsByName()
    {
        var error = Assert.Throws<DirectoryNotFoundException>(() => GoldenFolder.Open("/no/such/folder"));
        Assert.Contains("/no/such/folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Variants_ParentOfFolders_AreItsFolders()
    {
        var fixtures = Repository.PathTo("Tests", "Golden", "fixtures");
        Assert.Equal([Path.Combine(fixtures, "tiny-a"), Path.Combine(fixtures, "tiny-b")], GoldenFolder.Variants(fixtures + "/"));
        Assert.Equal([Path.Combine(fixtures, "tiny-b")], GoldenFolder.Variants(Path.Combine(fixtures, "tiny-b")));
    }

    [Theory]
    [InlineData("/no/such/folder")]
    [InlineData("/")]
    public void Variants_OfNoVariant_IsTheFolderItself(string path) => Assert.Equal([path], GoldenFolder.Variants(path));
}
