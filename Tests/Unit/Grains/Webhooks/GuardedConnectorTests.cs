using System.Net;
using System.Net.Sockets;
using Emu3.Grains.Webhooks;

namespace Emu3.Tests.Unit.Grains.Webhooks;

[Trait("Suite", "Fast")]
public sealed class GuardedConnectorTests : IDisposable
{
    // Stands for the internet, and the usual loopback address for what is inside.
    private static readonly AddressRules s_rules = new([IPNetwork.Parse("127.0.0.2/32")]);
    private readonly TcpListener _outside = new(IPAddress.Parse("127.0.0.2"), 0);
    private readonly TcpListener _inside;

    public GuardedConnectorTests()
    {
        _outside.Start();
        _inside = new(IPAddress.Loopback, Port);
        _inside.Start();
    }

    private int Port => ((IPEndPoint)_outside.LocalEndpoint).Port;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _outside.Dispose();
        _inside.Dispose();
    }

    [Fact]
    public async Task Connect_ToAName_GoesToTheAddressThatWasChecked_AndAsksOnce()
    {
        var asked = 0;
        var connector = new GuardedConnector(s_rules, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(++asked == 1 ? "127.0.0.2" : "127.0.0.1")]));

        await using var first = await connector.ConnectAsync(new("receiver.example", Port), Cancellation);
        using var accepted = await _outside.AcceptSocketAsync(Cancellation);
        Assert.Equal(1, asked);

        await Assert.ThrowsAsync<AddressRefusedException>(async () => await connector.ConnectAsync(new("receiver.example", Port), Cancellation));
        Assert.Equal(2, asked);
        Assert.False(_inside.Pending());
    }

    [Fact]
    public async Task Connect_ToAMixOfAddresses_LeavesOutThePrivateOnes()
    {
        var connector = new GuardedConnector(s_rules, (_, _) => Task.FromResult<IPAddress[]>(
            [IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Parse("::ffff:127.0.0.1"), IPAddress.Parse("::ffff:127.0.0.2")]));

        await using var stream = await connector.ConnectAsync(new("receiver.example", Port), Cancellation);
        using var accepted = await _outside.AcceptSocketAsync(Cancellation);

        Assert.False(_inside.Pending());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("169.254.169.254")]
    public async Task Connect_ToALiteralPrivateAddress_IsRefused_WithoutAsking(string host)
    {
        var connector = new GuardedConnector(s_rules, (_, _) => throw new InvalidOperationException("was asked"));

        await Assert.ThrowsAsync<AddressRefusedException>(async () => await connector.ConnectAsync(new(host, Port), Cancellation));
    }

    [Fact]
    public async Task Connect_ToANameOfNothing_IsRefused() => await Assert.ThrowsAsync<AddressRefusedException>(async () =>
        await new GuardedConnector(s_rules, (_, _) => Task.FromResult<IPAddress[]>([])).ConnectAsync(new("receiver.example", Port), Cancellation));

    [Fact]
    public void Places_AreAFewForAHost_AndSoManyForAll()
    {
        var places = new DeliveryPlaces(most: 3, mostOfHost: 2);
        var first = places.TryEnter("a")!;
        Assert.NotNull(places.TryEnter("A"));
        Assert.Null(places.TryEnter("a"));
        Assert.NotNull(places.TryEnter("b"));
        Assert.Null(places.TryEnter("c"));

        first.Dispose();
        first.Dispose();
        Assert.NotNull(places.TryEnter("a"));
        Assert.Null(places.TryEnter("c"));
    }
}
