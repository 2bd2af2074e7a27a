using System.Globalization;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using Emu3.Tests.Deployment.Containers;

namespace Emu3.Tests.Deployment;

/// <summary>The images that <c>k8s/image/Dockerfile</c> makes: what is in them, and how soon a container of them is ready.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class ImageTests(BuiltImages images) : IClassFixture<BuiltImages>
{
    private const long MegaByte = 1000 * 1000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Images_AddLittleToTheirBase_AndNothingThatBuilds()
    {
        var podman = images.Require();
        var added = await images.Images.SizeOfAsync(Images.Emu3, Cancellation) - await images.Images.SizeOfAsync(Images.Runtime, Cancellation);
        TestContext.Current.SendDiagnosticMessage($"emu3 adds {added / MegaByte} MB to its base, emu3-tiny {(await images.Images.SizeOfAsync(Images.Tiny, Cancellation) - await images.Images.SizeOfAsync(Images.Emu3, Cancellation)) / MegaByte} MB to emu3.");
        Assert.InRange(added, 0, 120 * MegaByte);

        var folder = await podman.DoAsync(["image", "mount", Images.Tiny], Cancellation);
        try
        {
            Assert.DoesNotContain(Directory.EnumerateFiles(Path.Combine(folder, "app")).Select(Path.GetFileName), file =>
                file!.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal) || file.Contains("torch", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".xml", StringComparison.Ordinal));
            // Compiled in a folder of an image and ahead of time: still the same build of the engine, and so the same numeric class.
            Assert.Equal(typeof(Inference.IEngine).Module.ModuleVersionId, IdOf(Path.Combine(folder, "app", "Emu3.Inference.dll")));
            Assert.True(File.Exists(Path.Combine(folder, "models", "emu3-tiny", "model.safetensors")));
            using var materials = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "app", "emu3.cdx.json"), Cancellation));
            var components = materials.RootElement.GetProperty("components").EnumerateArray().Select(component => component.GetProperty("name").GetString()).ToList();
            Assert.Contains("Microsoft.Orleans.Server", components);
            Assert.Contains("Npgsql", components);
        }
        finally
        {
            await podman.RunAsync(["image", "unmount", Images.Tiny], CancellationToken.None);
        }

        using var told = JsonDocument.Parse(await podman.DoAsync(["image", "inspect", Images.Emu3], Cancellation));
        var config = told.RootElement[0].GetProperty("Config");
        Assert.Equal("1654:1654", config.GetProperty("User").GetString());
        Assert.Equal("MIT", config.GetProperty("Labels").GetProperty("org.opencontainers.image.licenses").GetString());
    }

    /// <summary>A silo with the small model, from its start to its readiness, in a container and as a process of this machine: the same files, the same settings.</summary>
    [Fact]
    public async Task Worker_InAContainer_IsReadyAlmostAsSoonAsOutside()
    {
        var podman = images.Require();
        await using var race = await StartRace.PrepareAsync(podman, Cancellation);
        var (inside, outside) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var round = 0; round < 3; round++)
        {
            outside.Add(await race.OutsideAsync(Cancellation));
            inside.Add(await race.InsideAsync(Cancellation));
        }

        var text = string.Create(CultureInfo.InvariantCulture, $"Ready in a container after {string.Join(", ", inside.Select(time => $"{time.TotalSeconds:0.0}"))} s, outside after {string.Join(", ", outside.Select(time => $"{time.TotalSeconds:0.0}"))} s.");
        TestContext.Current.SendDiagnosticMessage(text);
        Assert.True(inside.Min() <= outside.Min() * 1.5, text);
    }

    private static Guid IdOf(string assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var metadata = file.GetMetadataReader();
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }
}
