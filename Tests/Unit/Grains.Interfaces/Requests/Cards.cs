using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

/// <summary>Models and contexts that requests are resolved against in these tests.</summary>
internal static class Cards
{
    /// <summary>The released checkpoints' figures.</summary>
    public static ModelInfo Released { get; } = new()
    {
        Name = "Emu3-Gen-hf",
        WeightsHash = "00",
        CanDraw = true,
        CanChat = true,
        SpatialFactor = 8,
        ImageArea = 518_400,
        MaxPositions = 9_216,
        CodebookSize = 32_768,
        GuidanceScale = 3,
        ImageSampling = new(1, 2_048, 1),
        NegativePrompt = "lowres",
        PromptSuffix = ", best quality",
    };

    public static ResolveContext Context(ulong jobSeed = 7, ModelInfo? model = null, ItemRequest? defaults = null) => new()
    {
        Model = model ?? Released,
        JobSeed = jobSeed,
        Defaults = defaults ?? ItemRequest.Empty,
        KeyOf = picture => $"t/job/inputs/{Convert.ToHexStringLower(picture.Hash)}",
    };

    /// <summary>Parses, reads and resolves one line; JSON that does not parse fails the test.</summary>
    public static ItemResolution Resolve(string line, int number = 1, ResolveContext? context = null)
    {
        var errors = new List<ItemError>();
        using var document = StrictJson.Parse(System.Text.Encoding.UTF8.GetBytes(line), out var error);
        Assert.True(document is not null, error);
        var request = ItemRequestReader.ReadItem(document.RootElement, errors);
        return errors.Count > 0 ? new([], [], errors, request.TextField) : ItemResolver.Resolve(request, number, context ?? Context());
    }

    public static ItemSpec ResolveOne(string line, ResolveContext? context = null)
    {
        var resolution = Resolve(line, context: context);
        Assert.Empty(resolution.Errors);
        return Assert.Single(resolution.Specs);
    }
}
