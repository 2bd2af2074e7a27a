namespace Emu3.Tests.Deployment.Containers;

/// <summary>Podman and the images, made once for all tests of a class.</summary>
public sealed class BuiltImages : IAsyncLifetime
{
    private Podman? _podman;

    internal Images Images { get; private set; } = null!;

    /// <summary>Skips the test that asks where there are no containers.</summary>
    internal Podman Require()
    {
        Assert.SkipWhen(Podman.Refusal() is not null, Podman.Refusal() ?? "");
        return _podman!;
    }

    public async ValueTask InitializeAsync()
    {
        if (Podman.Refusal() is not null) return;
        _podman = await Podman.TakeAsync(TestContext.Current.CancellationToken);
        Images = new(_podman);
        await Images.MakeAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_podman is not null) await _podman.DisposeAsync();
    }
}
