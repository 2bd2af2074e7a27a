using System.Reflection;
using System.Text.Json;
using Emu3.Inference.Engine;

namespace Emu3.Tests.Architecture;

/// <summary>What the programs bring with them: by default nothing of TorchSharp and libtorch, which take 500 MB and only other devices need.</summary>
[Trait("Suite", "Fast")]
public sealed class PackageTests
{
    private static readonly string[] s_torch = ["TorchSharp", "libtorch", "LibTorchSharp", "Emu3.Inference.Torch"];

    internal static bool IsBuiltForAccelerators => typeof(PackageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "Accelerator").Value is { Length: > 0 };

    /// <summary>The build writes down all that a program loads, the packages with their native files too, in NAME.deps.json.</summary>
    [Theory]
    [InlineData("emu3")]
    [InlineData("Emu3.Silo")]
    [InlineData("Emu3.Gateway")]
    public void Program_BuiltForTheProcessor_BringsNothingOfTorch(string program)
    {
        Assert.SkipWhen(IsBuiltForAccelerators, "This is a build for GPUs.");
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, $"{program}.deps.json")));
        var names = file.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name)
            .Concat(from target in file.RootElement.GetProperty("targets").EnumerateObject()
                    from library in target.Value.EnumerateObject()
                    from kind in library.Value.EnumerateObject()
                    from item in kind.Value.EnumerateObject()
                    select item.Name).ToList();

        Assert.Contains(names, name => name.StartsWith($"{program}/", StringComparison.Ordinal));
        Assert.DoesNotContain(names, name => s_torch.Any(torch => name.Contains(torch, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>Orleans' packages ask for the compiler that their code generator was built with: 8 MB that no program loads.</summary>
    [Theory]
    [InlineData("emu3")]
    [InlineData("Emu3.Silo")]
    [InlineData("Emu3.Gateway")]
    public void Program_BringsNoCompiler(string program) =>
        Assert.DoesNotContain("Microsoft.CodeAnalysis", File.ReadAllText(Path.Combine(AppContext.BaseDirectory, $"{program}.deps.json")), StringComparison.OrdinalIgnoreCase);

    /// <summary>What is restored is what was asked for, and more than what is loaded: libtorch itself is never beside the program.</summary>
    [Theory]
    [InlineData("Cli")]
    [InlineData("Silo")]
    [InlineData("Gateway")]
    public void Project_BuiltForTheProcessor_RestoresNothingOfTorch(string project)
    {
        Assert.SkipWhen(IsBuiltForAccelerators, "This is a build for GPUs.");
        using var file = JsonDocument.Parse(File.ReadAllBytes(Repository.PathTo("artifacts", "obj", project, "project.assets.json")));
        var libraries = file.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name).ToList();

        Assert.Contains(libraries, library => library.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal));
        Assert.DoesNotContain(libraries, library => s_torch.Any(torch => library.Contains(torch, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>It is looked for by a name that nothing else holds.</summary>
    [Fact]
    public void Accelerator_WhereItsProjectIs_IsFound() => Assert.IsType<TorchAccelerator>(Accelerator.Installed);
}
