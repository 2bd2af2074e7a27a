using Emu3.Gateway.Access;

namespace Emu3.Tests.Unit.Gateway.Access;

[Trait("Suite", "Fast")]
public sealed class KeyTextTests
{
    [Fact]
    public void Draw_GivesAKeyThatTellsItsId_AndNeverTheSameTwice()
    {
        var id = KeyText.DrawId();
        var text = KeyText.Draw(id);

        Assert.StartsWith("emu3_", text, StringComparison.Ordinal);
        Assert.True(KeyText.IsId(id));
        Assert.True(KeyText.TryReadId(text, out var read));
        Assert.Equal(id, read);
        Assert.NotEqual(text, KeyText.Draw(id));
        Assert.NotEqual(id, KeyText.DrawId());
        Assert.Equal(32, KeyText.Hash(text).Length);
    }

    [Fact]
    public void TryReadId_OfAnythingElse_IsRefused()
    {
        var text = KeyText.Draw(KeyText.DrawId());

        Assert.All(
            ["", "none", "emu3_", text[..^1], text + "0", text.ToUpperInvariant(), text.Replace("emu3_", "emu4_", StringComparison.Ordinal), $"{text[..21]}-{text[22..]}", $"{text[..^1]}g"],
            wrong => Assert.False(KeyText.TryReadId(wrong, out _), wrong));
        Assert.All(["", "key_", "key_../../../../etc", "KEY_0123456789abcdef", "key_0123456789abcdef0"], wrong => Assert.False(KeyText.IsId(wrong), wrong));
    }
}
