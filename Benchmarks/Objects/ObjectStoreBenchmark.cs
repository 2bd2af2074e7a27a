using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Emu3.Benchmarks.Processes;
using Emu3.Storage;
using Emu3.Storage.Blobs;

namespace Emu3.Benchmarks.Objects;

/// <summary>Blobs in a folder beside blobs in an object store (Ceph on this machine, its objects in a file): many small ones, and one large archive.</summary>
internal static class ObjectStoreBenchmark
{
    private const int ObjectBytes = 20_000;
    private static readonly int[] s_inFlight = [1, 8, 32];

    public static Command Create()
    {
        var count = new Option<int>("--objects") { Description = "Small objects in all, written by 1, 8 and 32 at once.", DefaultValueFactory = _ => 10_000 };
        var archive = new Option<int>("--archive") { Description = "Size of the archive in MiB.", DefaultValueFactory = _ => 2_048 };
        var command = new Command("objects", "Blobs in a folder beside blobs in an object store: 10,000 small ones, and one archive of 2 GiB.") { count, archive };
        command.SetAction((result, cancellationToken) => RunAsync(result.GetValue(count), result.GetValue(archive), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int count, int archive, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("emu3-objects-").FullName;
        var (server, refusal) = await CephServer.TryStartAsync(Path.Combine(folder, "ceph"), onDisk: true);
        if (server is null)
        {
            await Console.Error.WriteLineAsync(refusal);
            return 3;
        }

        await using (server)
        {
            await server.MakeBucketAsync("objects");
            await File.WriteAllTextAsync(Path.Combine(folder, "id"), CephServer.AccessKey, cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "secret"), CephServer.SecretKey, cancellationToken);
            (string Name, IBlobStore Blobs)[] sides =
            [
                ("folder", new ClusterConnection { BlobFolder = Path.Combine(folder, "blobs") }.OpenBlobs()),
                ("S3", new ClusterConnection
                {
                    Blobs = ClusterConnection.ObjectStore,
                    S3 = { Endpoint = server.Endpoint, Bucket = "objects", AccessKeyFile = Path.Combine(folder, "id"), SecretKeyFile = Path.Combine(folder, "secret"), AttemptTimeout = TimeSpan.FromSeconds(30) },
                }.OpenBlobs()),
            ];
            var report = new Report("Blobs in a folder and in an object store", $"dotnet run --project Benchmarks -c Release -- objects --objects {count} --archive {archive}");
            report.Line("* object store: Ceph's RADOS gateway with one OSD (bluestore in a file), on the same machine and its processors; the folder is on a local disk. Both wait until it is durable");
            report.Line();
            report.Line(string.Create(CultureInfo.InvariantCulture, $"## {count:N0} objects of {ObjectBytes / 1000} kB"));
            report.Table(["in flight", "folder, writes/s", "S3, writes/s", "folder, reads/s", "S3, reads/s"], await SmallAsync(sides, count, cancellationToken));
            report.Table(["removing them", "seconds"], await RemoveAsync(sides, cancellationToken));
            report.Line(string.Create(CultureInfo.InvariantCulture, $"## One archive of {archive:N0} MiB, written from a stream and read back; the bytes are equal"));
            report.Table(["", "write, MB/s", "read, MB/s", "resident memory at most, MB more than before"], await ArchiveAsync(sides, archive, cancellationToken));
            report.Save("object-store");
        }

        Directory.Delete(folder, recursive: true);
        return 0;
    }

    private static async Task<List<string[]>> SmallAsync((string Name, IBlobStore Blobs)[] sides, int count, CancellationToken cancellationToken)
    {
        var content = new byte[ObjectBytes];
        new Random(1).NextBytes(content);
        foreach (var (_, blobs) in sides) await blobs.WriteAsync("warm/0", content, cancellationToken);
        var rows = new List<string[]>();
        foreach (var inFlight in s_inFlight)
        {
            var share = count / s_inFlight.Length;
            var writes = new List<double>();
            var reads = new List<double>();
            foreach (var (_, blobs) in sides) writes.Add(share / await SecondsAsync(share, inFlight, number => blobs.WriteAsync($"t/many/{inFlight}-{number}", content, cancellationToken), cancellationToken));
            foreach (var (_, blobs) in sides) reads.Add(share / await SecondsAsync(share, inFlight, number => blobs.ReadAsync($"t/many/{inFlight}-{number}", cancellationToken), cancellationToken));
            rows.Add([$"{inFlight}", .. writes.Select(Report.Figure), .. reads.Select(Report.Figure)]);
        }

        return rows;
    }

    private static async Task<double> SecondsAsync(int count, int inFlight, Func<int, Task> call, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = inFlight, CancellationToken = cancellationToken }, async (number, _) => await call(number));
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<List<string[]>> RemoveAsync((string Name, IBlobStore Blobs)[] sides, CancellationToken cancellationToken)
    {
        var rows = new List<string[]>();
        foreach (var (name, blobs) in sides)
        {
            var began = Stopwatch.GetTimestamp();
            await blobs.DeletePrefixAsync("t/many", cancellationToken);
            rows.Add([name, Report.Figure(Stopwatch.GetElapsedTime(began).TotalSeconds)]);
        }

        return rows;
    }

    private static async Task<List<string[]>> ArchiveAsync((string Name, IBlobStore Blobs)[] sides, int mebibytes, CancellationToken cancellationToken)
    {
        var rows = new List<string[]>();
        foreach (var (name, blobs) in sides)
        {
            GC.Collect();
            var before = Environment.WorkingSet;
            using var watch = new MemoryPeak();
            var source = new PatternStream((long)mebibytes << 20);
            var began = Stopwatch.GetTimestamp();
            await blobs.WriteAsync("t/archive", source, cancellationToken);
            var write = source.Length / 1e6 / Stopwatch.GetElapsedTime(began).TotalSeconds;

            began = Stopwatch.GetTimestamp();
            await using var stream = (await blobs.OpenReadAsync("t/archive", cancellationToken))!;
            var hash = await SHA256.HashDataAsync(stream, cancellationToken);
            var read = source.Length / 1e6 / Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (!hash.AsSpan().SequenceEqual(source.Hash)) throw new InvalidOperationException($"The archive from the {name} is not what was written.");
            await blobs.DeleteAsync("t/archive", cancellationToken);
            rows.Add([name, Report.Figure(write), Report.Figure(read), Report.Figure((watch.Bytes - before) / 1e6)]);
        }

        return rows;
    }

    /// <summary>Bytes of a fixed seed, made as they are read and never held, and their hash.</summary>
    private sealed class PatternStream(long length) : Stream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly Random _random = new(7);
        private long _position;

        public byte[] Hash => _hash.GetCurrentHash();

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => length;
        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, length - _position);
            _random.NextBytes(buffer[..count]);
            _hash.AppendData(buffer[..count]);
            _position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));
        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    /// <summary>The most memory that was resident while it lived.</summary>
    private sealed class MemoryPeak : IDisposable
    {
        private readonly Timer _timer;
        private long _bytes;

        public MemoryPeak() => _timer = new(_ => _bytes = Math.Max(_bytes, Environment.WorkingSet), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(50));

        public long Bytes => Interlocked.Read(ref _bytes);

        public void Dispose() => _timer.Dispose();
    }
}
