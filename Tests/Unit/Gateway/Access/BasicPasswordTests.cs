using Emu3.Gateway.Access;

namespace Emu3.Tests.Unit.Gateway.Access;

[Trait("Suite", "Fast")]
public sealed class BasicPasswordTests
{
    [Theory]
    [InlineData("Basic bWU6c2VjcmV0", "secret")]
    [InlineData("basic OnNlOmNyZXQ=", "se:cret")]
    [InlineData("Basic bWU6", "")]
    [InlineData("Basic bWU=", null)]
    [InlineData("Basic not base64", null)]
    [InlineData("Basic ", null)]
    [InlineData("Basic", null)]
    [InlineData("Bearer bWU6c2VjcmV0", null)]
    [InlineData("", null)]
    public void Header_HasAPassword_OrNone(string header, string? password) => Assert.Equal(password, BasicPassword.Read(header));
}
