using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Emu3.Benchmarks.Processes;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>
/// The numeric class of a GPU names the builds of the engine by the ids of their assemblies, which the compiler makes of all that it writes. Two builds of one
/// commit must be one class wherever they were made: on a developer's machine, in CI, in an image.
/// </summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class BuildFolderTests : IDisposable
{
    private static readonly string[] s_projects = ["Inference", "Inference.Torch"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Engine_BuiltInAnotherFolder_HasTheSameIds()
    {
        var configuration = typeof(BuildFolderTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        Assert.SkipWhen(configuration != "Release", "Only a Release build is without the paths of its sources; a debugger needs them.");
        // Signs that mean something in the compiler's own list of folders.
        var copy = _folder.PathTo("other, =folder");
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.GetFiles(Repository.Root).Where(file => Path.GetFileName(file) is { } name && (name.StartsWith("Directory.", StringComparison.Ordinal) || name is ".editorconfig" or "BannedSymbols.txt" or "global.json")))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        foreach (var file in s_projects.SelectMany(project => Directory.GetFiles(Repository.PathTo(project), "*", SearchOption.AllDirectories)))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(Repository.Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        var (isBuilt, text) = await SystemCommand.RunAsync(
            "dotnet", "build", Path.Combine(copy, "Inference.Torch"), "-c", "Release", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-p:RunAnalyzers=false");
        Assert.True(isBuilt, text);

        foreach (var project in s_projects)
        {
            var name = $"Emu3.{project}.dll";
            Assert.Equal(IdOf(Path.Combine(AppContext.BaseDirectory, name)), IdOf(Path.Combine(copy, "artifacts", "bin", project, "release", name)));
        }

        Assert.Equal(typeof(IEngine).Module.ModuleVersionId, IdOf(Path.Combine(AppContext.BaseDirectory, "Emu3.Inference.dll")));
    }

    private static Guid IdOf(string assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var metadata = file.GetMetadataReader();
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }
}
