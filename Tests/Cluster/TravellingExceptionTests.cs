using System.Data.Common;
using System.Reflection;
using System.Runtime.CompilerServices;
using Emu3.Gateway;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Observability;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Blobs;
using Emu3.Tests.Fakes;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Orleans.Serialization;

namespace Emu3.Tests.Cluster;

/// <summary>What a grain throws crosses to a caller in another process. By itself Orleans takes only what it knows, and gives its caller an error of the serializer for the rest.</summary>
[Trait("Suite", "Fast")]
public sealed class TravellingExceptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly IHost _silo;
    private readonly IHost _client;

    public TravellingExceptionTests()
    {
        var cluster = ClusterConnection.SingleProcess(DataFolder.At(_folder.FullPath));
        _silo = SiloHost.Create(new() { Cluster = cluster, Roles = SiloRoles.Control });
        var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });
        builder.UseOrleansClient(client => client.UseCluster(cluster));
        _client = builder.Build();
    }

    /// <summary>Libraries that grains and engines call, the framework's that these call, and our own.</summary>
    public static IEnumerable<Assembly> Thrown { get; } =
    [
        typeof(NpgsqlException).Assembly, typeof(SqliteException).Assembly, typeof(Amazon.Runtime.AmazonServiceException).Assembly, typeof(Amazon.S3.AmazonS3Exception).Assembly, typeof(Polly.Timeout.TimeoutRejectedException).Assembly,
        typeof(TorchSharp.torch).Assembly, typeof(Microsoft.ML.Tokenizers.Tokenizer).Assembly, typeof(SkiaSharp.SKBitmap).Assembly,
        typeof(object).Assembly, typeof(HttpRequestException).Assembly, typeof(System.Net.Sockets.SocketException).Assembly, typeof(System.Text.Json.JsonException).Assembly,
        typeof(DbException).Assembly, typeof(JobId).Assembly, typeof(Emu3.Grains.Jobs.JobShard).Assembly, typeof(IEngine).Assembly, typeof(IBlobStore).Assembly,
        typeof(SiloHost).Assembly, typeof(MetricsOptions).Assembly,
    ];

    public void Dispose()
    {
        _silo.Dispose();
        _client.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Exception_OfEveryKindThatAGrainMayMeet_ArrivesAsItself()
    {
        var (from, to) = (_silo.Services.GetRequiredService<Serializer>(), _client.Services.GetRequiredService<Serializer>());
        var wrong = new List<string>();
        var kinds = Thrown.SelectMany(TypesOf)
            .Where(type => typeof(Exception).IsAssignableFrom(type) && type is { IsAbstract: false, IsPublic: true, IsGenericType: false }).ToList();
        foreach (var kind in kinds)
        {
            try
            {
                if (Make(kind) is not { } sent) continue;
                var arrived = to.Deserialize<Exception>(from.SerializeToArray(sent));
                if (arrived?.GetType() != kind) wrong.Add($"{kind} arrives as {arrived?.GetType()}: {arrived?.Message}");
                else if (arrived.Message.Length == 0) wrong.Add($"{kind} arrives without a message");
            }
            catch (Exception failure)
            {
                wrong.Add($"{kind}: {failure.GetType().Name}: {failure.Message}");
            }
        }

        Assert.True(kinds.Count > 100, $"Only {kinds.Count} kinds were found.");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    /// <summary>By type: what of it the library needs to say whether it passes does not travel.</summary>
    [Fact]
    public void Exception_OfADatabase_IsAskedToBeRepeated()
    {
        var (from, to) = (_silo.Services.GetRequiredService<Serializer>(), _client.Services.GetRequiredService<Serializer>());
        foreach (var thrown in (Exception[])
        [
            new NpgsqlException("Exception while reading from stream", new IOException("Connection reset by peer")),
            new PostgresException("terminating connection due to administrator command", "FATAL", "FATAL", "57P01"),
            new SqliteException("SQLite Error 13: 'database or disk is full'.", 13),
            new IOException("No space left on device"),
            new OrleansException("Error from storage provider", new NpgsqlException("gone")),
        ])
        {
            var answer = FailureResponses.Of(to.Deserialize<Exception>(from.SerializeToArray(thrown))!);
            Assert.Equal((503, "storage_unavailable"), (answer.Status, answer.Body.Code));
            Assert.InRange(answer.RetryAfter!.Value, 1, 60);
        }
    }

    /// <summary>Those that can be loaded here.</summary>
    private static IEnumerable<Type> TypesOf(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException some)
        {
            return some.Types.OfType<Type>();
        }
    }

    /// <summary>As the library does, where it has a constructor for a message; else a blank one. Null when a blank one can't say what is wrong.</summary>
    private static Exception? Make(Type kind)
    {
        if (kind.GetConstructor([typeof(string)]) is { } withMessage) return (Exception)withMessage.Invoke(["why"]);
        if (kind.GetConstructor([]) is { } without) return (Exception)without.Invoke([]);
        var blank = (Exception)RuntimeHelpers.GetUninitializedObject(kind);
        try
        {
            return blank.Message.Length > 0 ? blank : null;
        }
        catch (NullReferenceException)
        {
            return null;
        }
    }
}
