using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Canaries;

/// <summary>See <see cref="ICanaryBoard"/>. Decides by <see cref="RecentPictures"/>; what is lost with its silo is posted anew before long.</summary>
public sealed class CanaryBoard : Grain, ICanaryBoard
{
    private readonly RecentPictures _pictures = new();

    public Task Post(CanaryPicture picture)
    {
        _pictures.Post(picture);
        return Task.CompletedTask;
    }

    public Task<CanaryPicture?> Draw(string device) => Task.FromResult(_pictures.Draw(device));
}
