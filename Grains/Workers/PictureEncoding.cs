using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Inference.Vision;

namespace Emu3.Grains.Workers;

/// <summary>From an engine's pixels to the file that an item asks for.</summary>
internal static class PictureEncoding
{
    /// <summary>The file format of an image item.</summary>
    public static Inference.Vision.PictureFormat FormatOf(ImageSpec image) => image.Format switch
    {
        Interfaces.PictureFormat.Jpeg => Inference.Vision.PictureFormat.Jpeg,
        Interfaces.PictureFormat.Webp => Inference.Vision.PictureFormat.Webp,
        _ => Inference.Vision.PictureFormat.Png,
    };

    /// <summary>See <see cref="IModelWorker.Preview"/>.</summary>
    public static async Task<byte[]?> PreviewAsync(IEngine engine, ItemSpec item, IReadOnlyList<int> tokens)
    {
        if (item.Image is not { } image) return null;
        var request = (ImageRequest)ItemRequests.From($"preview of {item.Id}", item, new Dictionary<string, byte[]>(), tokens) with { IsPreview = true };
        await foreach (var happened in engine.Run(request))
        {
            if (happened is not EngineEvent.PictureDecoded picture) continue;
            return await Task.Run(() => PictureFiles.Encode(new Picture(picture.Width, picture.Height, picture.Rgb), FormatOf(image), image.Quality));
        }

        return null;
    }
}
