using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Emu3.Tests.Architecture;

/// <summary>Keeps the arrows of the map in the README: who may reference whom, and which folders stay pure.</summary>
[Trait("Suite", "Fast")]
public sealed partial class ArrowTests
{
    /// <summary>Referenced by hosts that were built for it, and by tests and benchmarks.</summary>
    private const string Accelerator = "Inference.Torch";

    /// <summary>Only Storage speaks to the object store; its reference does not let others compile against the SDK.</summary>
    private const string Amazon = "AWSSDK";

    private static readonly Dictionary<string, string[]> s_allowedProjects = new()
    {
        ["Grains.Interfaces"] = [],
        ["Inference"] = [],
        ["Inference.Torch"] = ["Inference"],
        ["Storage"] = [],
        ["Observability"] = [],
        ["Grains"] = ["Grains.Interfaces", "Inference", "Storage"],
        ["Silo"] = ["Grains.Interfaces", "Grains", "Inference", Accelerator, "Observability", "Storage"],
        ["Gateway"] = ["Grains.Interfaces", "Observability", "Storage"],
        ["Cli"] = ["Grains.Interfaces", "Grains", "Inference", Accelerator, "Observability", "Storage", "Silo", "Gateway"],
    };

    private static readonly Dictionary<string, string[]> s_forbiddenPackages = new()
    {
        ["Grains.Interfaces"] = ["TorchSharp", "SkiaSharp", "Microsoft.Orleans.Server", "Microsoft.Orleans.Runtime", "Microsoft.Data.Sqlite", Amazon],
        ["Inference"] = ["TorchSharp", "libtorch", "Microsoft.Orleans", "Microsoft.AspNetCore", Amazon],
        ["Inference.Torch"] = ["Microsoft.Orleans", "Microsoft.AspNetCore", Amazon],
        ["Storage"] = ["TorchSharp", "SkiaSharp"],
        ["Observability"] = ["TorchSharp", "SkiaSharp", "Microsoft.Orleans", Amazon],
        ["Grains"] = ["TorchSharp", "Microsoft.AspNetCore", Amazon],
        ["Gateway"] = ["TorchSharp", "Microsoft.Orleans.Server", Amazon],
        ["Silo"] = [Amazon],
        ["Cli"] = [Amazon],
    };

    /// <summary>Data in, data out: no torch, no Orleans runtime, no files, no clock.</summary>
    private static readonly string[] s_pureFolders = ["Inference/Batching", "Inference/Sampling", "Grains.Interfaces/Requests"];

    public static TheoryData<string> Projects => [.. s_allowedProjects.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_OnlyWhatTheMapAllows(string project)
    {
        var references = Items(project, "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Replace('\\', '/')));
        Assert.Empty(references.Except(s_allowedProjects[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_Packages_StayOnTheirSide(string project)
    {
        var forbidden = s_forbiddenPackages.GetValueOrDefault(project, []);
        var packages = Items(project, "PackageReference").Concat(Items(project, "FrameworkReference"));
        Assert.DoesNotContain(packages, p => forbidden.Any(f => p.StartsWith(f, StringComparison.Ordinal)));
    }

    [Fact]
    public void Hosts_ReferenceTheAccelerator_OnlyWhenBuiltForIt()
    {
        foreach (var host in (string[])["Silo", "Cli"])
        {
            var reference = Assert.Single(
                XDocument.Load(Path.Combine(Repository.Root, host, host + ".csproj")).Descendants("ProjectReference"),
                element => ((string)element.Attribute("Include")!).Contains(Accelerator, StringComparison.Ordinal));
            Assert.Equal("'$(Accelerator)' == 'cuda'", (string?)reference.Attribute("Condition"));
        }
    }

    [Fact]
    public void PureFolders_Use_NoTorchNoOrleansNoFiles()
    {
        var offenders =
            from folder in s_pureFolders
            let path = Path.Combine(Repository.Root, folder)
            where Directory.Exists(path)
            from file in Directory.EnumerateFiles(path, "*.cs", SearchOption.AllDirectories)
            from line in File.ReadLines(file)
            where ImpureUsing().IsMatch(line)
            select $"{Path.GetRelativePath(Repository.Root, file)}: {line}";
        Assert.Empty(offenders);
    }

    [Fact]
    public void EngineSurface_Exposes_NoTensor()
    {
        var offenders =
            from type in typeof(Inference.IEngine).Assembly.GetExportedTypes()
            where type.Namespace == typeof(Inference.IEngine).Namespace
            from member in type.GetMembers()
            where member.ToString()!.Contains("TorchSharp", StringComparison.Ordinal)
            select $"{type.Name}.{member}";
        Assert.Empty(offenders);
    }

    [Fact]
    public void TestClasses_Carry_ExactlyOneSuite()
    {
        var offenders =
            from type in typeof(ArrowTests).Assembly.GetTypes()
            where !type.IsAbstract && type.GetMethods().Any(m => m.GetCustomAttributes(typeof(FactAttribute), true).Length > 0)
            let suites = type.GetCustomAttributes(typeof(TraitAttribute), true).Cast<TraitAttribute>().Where(t => t.Name == "Suite").ToArray()
            where suites.Length != 1 || suites[0].Value is not ("Fast" or "Golden" or "Cluster" or "Gpu")
            select type.FullName;
        Assert.Empty(offenders);
    }

    [Fact]
    public void CommandLine_StartedByDotnetRun_StaysInTheUsersFolder()
    {
        var project = XDocument.Load(Path.Combine(Repository.Root, "Cli", "Cli.csproj"));
        Assert.Equal("false", Assert.Single(project.Descendants("EnableDefaultRunWorkingDirectory")).Value);
    }

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(Path.Combine(Repository.Root, project, project + ".csproj"))
            .Descendants(kind).Select(e => (string)e.Attribute("Include")!);

    [GeneratedRegex(@"^using (static )?(TorchSharp|Orleans\.Runtime|Orleans\.Streams|System\.IO|Microsoft\.AspNetCore|SkiaSharp)\b")]
    private static partial Regex ImpureUsing();
}
