using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Gateway.Files;

[Trait("Suite", "Fast")]
public sealed class FileFieldsTests
{
    [Fact]
    public void Batch_LastsThirtyDays_AndOthersUntilDeleted()
    {
        Assert.Equal(TimeSpan.FromDays(30), Check([("purpose", "batch")]).Life);
        Assert.Null(Check([("purpose", "vision")]).Life);
        Assert.Equal(TimeSpan.FromHours(1), Check([("purpose", "user_data"), ("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")]).Life);
    }

    [Theory]
    [InlineData("fine-tune")]
    [InlineData("assistants")]
    [InlineData("batch_output")]
    [InlineData("")]
    public void Purpose_ThatWeDoNotHave_IsRefusedWithThoseThatWeHave(string purpose)
    {
        var error = Assert.Single(Check([("purpose", purpose)]).Errors);

        Assert.Equal("purpose", error.Param);
        Assert.Contains("\"batch\" or \"vision\" or \"user_data\"", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("created_at", "3599", "expires_after[seconds]")]
    [InlineData("created_at", "2592001", "expires_after[seconds]")]
    [InlineData("created_at", "1e5", "expires_after[seconds]")]
    [InlineData("last_used_at", "3600", "expires_after[anchor]")]
    [InlineData(null, "3600", "expires_after[anchor]")]
    [InlineData("created_at", null, "expires_after[seconds]")]
    public void Expiry_OutsideWhatIsAllowed_NamesItsField(string? anchor, string? seconds, string param)
    {
        var fields = new List<(string, string)> { ("purpose", "vision") };
        if (anchor is not null) fields.Add(("expires_after[anchor]", anchor));
        if (seconds is not null) fields.Add(("expires_after[seconds]", seconds));

        Assert.Equal(param, Assert.Single(Check(fields).Errors).Param);
    }

    [Fact]
    public void Field_ThatIsUnknownOrThere_Twice_IsRefused()
    {
        Assert.Equal(["purposes"], Check([("purpose", "batch"), ("purposes", "x")]).Errors.Select(error => error.Param));
        Assert.Equal(["purpose"], Check([("purpose", "batch"), ("purpose", "vision")]).Errors.Select(error => error.Param));
    }

    [Fact]
    public void Limit_IsThatOfThePurpose()
    {
        var fields = new FileFields();
        Assert.Equal(FileLimits.Bytes, fields.MaxBytes);
        fields.Add("purpose", "batch", []);
        Assert.Equal(FileLimits.BatchBytes, fields.MaxBytes);
        Assert.Equal(FilePurpose.Batch, fields.Purpose);
    }

    private static (TimeSpan? Life, List<ItemError> Errors) Check(IEnumerable<(string Field, string Text)> texts)
    {
        var errors = new List<ItemError>();
        var fields = new FileFields();
        foreach (var (field, text) in texts) fields.Add(field, text, errors);
        return (fields.Check(errors), errors);
    }
}
