using Emu3.Gateway.Cluster;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Jobs;

/// <summary>
/// One job on its way in: items are checked as they arrive and go to their shards in pieces, so that no job is ever held whole. The job exists for
/// others only when it is sealed; after an error it is taken back.
/// </summary>
internal sealed class JobSubmission(
    ClusterCalls cluster, IBlobStore blobs, PictureFiles pictures, ItemMeasurer measurer, ResolveContext context, JobId id, JobSpec spec, bool isCheckOnly, ILogger logger,
    SubmissionTerms terms) : IDisposable
{
    private const int PiecesInFlight = 4;
    private readonly ContentHash _hash = new();
    private readonly Dictionary<(string Id, uint Sample), int> _lineOf = [];
    private readonly HashSet<string> _pictureKeys = [];
    private readonly Queue<Task> _inFlight = new();
    private readonly LineErrors _errors = new(terms);
    private Task? _opened;
    private Task _last = Task.CompletedTask;
    private ItemPiece _piece = new(0);
    private ItemPiece? _measured;

    public int ItemCount { get; private set; }

    public int OutputCount => _piece.FirstItem + _piece.Specs.Count;

    /// <summary>Of the outputs, those that are pictures.</summary>
    public int ImageCount { get; private set; }

    public long MaxPositions { get; private set; }

    public long SumPositions { get; private set; }

    public long EstimatedBytes { get; private set; }

    /// <summary>What is wrong, in the order of lines. Complete after <see cref="Finish"/>.</summary>
    public IReadOnlyList<LineError> Errors => _errors.Sorted();

    /// <summary>Checks and sends one item as it was written.</summary>
    public async Task Add(ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        _hash.Add(json.Span);
        var line = ++ItemCount;
        if (_errors.IsFull) return;
        var errors = new List<ItemError>();
        using var document = StrictJson.Parse(json, out var error);
        if (document is null)
        {
            _errors.Add(line, new ItemError("", error));
            return;
        }
        var request = ItemRequestReader.ReadItem(document.RootElement, errors);
        if (errors.Count == 0) request = await pictures.Load(request, errors, cancellationToken);
        if (errors.Count > 0) _errors.Add(line, errors);
        else await Add(line, ItemResolver.Resolve(request, line, context), cancellationToken);
    }

    /// <summary>Sends one item that was resolved already.</summary>
    public async Task Add(int line, ItemResolution item, CancellationToken cancellationToken)
    {
        _errors.Add(line, item.Errors);
        if (item.Errors.Count > 0 || !AreNew(item.Specs, line)) return;
        foreach (var picture in item.Pictures)
        {
            var key = context.KeyOf(picture);
            if (_pictureKeys.Add(key)) await blobs.WriteAsync(key, picture.File, cancellationToken);
        }
        ImageCount += item.Specs.Count(output => output.Image is not null);
        EstimatedBytes += item.Specs.Sum(output => FileEstimate.BytesOf(output, spec.SpatialFactor));
        foreach (var output in item.Specs)
        {
            if (!_piece.HasRoomFor(output)) await Send(cancellationToken);
            _piece.Add(output, line, item.TextField);
        }
    }

    /// <summary>Counts the job object into the content, which the items then join.</summary>
    public void AddHead(ReadOnlySpan<byte> json) => _hash.Add(json);

    /// <summary>Counts the positions of what is left, so that <see cref="Errors"/> has all that is wrong with it; sends nothing.</summary>
    public async Task Check(CancellationToken cancellationToken)
    {
        await Measure(_piece, cancellationToken);
        _measured = _piece;
    }

    /// <summary>Sends what is left and waits until all pieces are durable and all checks are done.</summary>
    public async Task Finish(CancellationToken cancellationToken)
    {
        if (_piece.Specs.Count > 0) await Send(cancellationToken);
        while (_inFlight.TryDequeue(out var task)) await task;
    }

    /// <summary>Makes it a job: durable, with all its items, when this returns.</summary>
    public async Task<JobSnapshot> Seal(CancellationToken cancellationToken)
    {
        // :: Step 1 The gateway has checked everything; from here on the job is the cluster's.
        await EnsureOpen(cancellationToken);
        var job = await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Seal(OutputCount, _hash.Text), cancellationToken);
        GatewayLog.JobAccepted(logger, id.Value, OutputCount);
        return job;
    }

    /// <summary>Removes whatever of the job is there already. Does its best: an unsealed job that stays is aborted by itself.</summary>
    public async Task TakeBack()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), cluster.Time);
        try
        {
            while (_inFlight.TryDequeue(out var task)) await Task.WhenAny(task);
            if (_opened is not null)
            {
                await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Cancel(), patience.Token);
                await cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Delete(), patience.Token);
                for (var shard = 0; shard * JobId.ItemsInShard < OutputCount; shard++)
                {
                    var key = id.Shard(shard);
                    await cluster.Repeat(() => cluster.Grain<IJobShard>(key).Delete(), patience.Token);
                }
            }
            if (_pictureKeys.Count > 0) await blobs.DeletePrefixAsync(BlobKeys.Job(spec.Tenant, id), patience.Token);
        }
        catch (Exception exception) when (ClusterCalls.IsTransient(exception) || exception is OperationCanceledException or JobNotFoundException or IOException)
        {
            GatewayLog.JobNotTakenBack(logger, id.Value, exception.Message);
        }
    }

    public void Dispose() => _hash.Dispose();

    private bool AreNew(IReadOnlyList<ItemSpec> specs, int line)
    {
        if (OutputCount + specs.Count > RequestLimits.ItemsInJob)
        {
            _errors.Add(line, new ItemError("", $"makes {OutputCount + specs.Count} outputs; {RequestLimits.ItemsInJob} are allowed in one job."));
            return false;
        }
        foreach (var output in specs)
        {
            if (_lineOf.TryAdd((output.Id, output.SampleIndex), line)) continue;
            _errors.Add(line, new ItemError("id", $"is \"{output.Id}\", as in line {_lineOf[(output.Id, output.SampleIndex)]}: ids must differ."));
            return false;
        }
        return true;
    }

    private async Task Send(CancellationToken cancellationToken)
    {
        // Pieces of one shard go one after the other, since a shard appends them.
        var previous = _piece.FirstItem % JobId.ItemsInShard == 0 ? Task.CompletedTask : _last;
        _last = CheckAndSend(_piece, previous, cancellationToken);
        _inFlight.Enqueue(_last);
        _piece = new(OutputCount);
        if (_inFlight.Count >= PiecesInFlight) await _inFlight.Dequeue();
    }

    private async Task CheckAndSend(ItemPiece piece, Task previous, CancellationToken cancellationToken)
    {
        if (terms.IsMeasured && piece != _measured) await Measure(piece, cancellationToken);
        await previous;
        if (isCheckOnly || _errors.HasAny) return;
        await EnsureOpen(cancellationToken);
        var shard = id.Shard(piece.FirstItem / JobId.ItemsInShard);
        await cluster.Repeat(() => cluster.Grain<IJobShard>(shard).Init(spec, piece.FirstItem % JobId.ItemsInShard, piece.Specs), cancellationToken);
    }

    /// <summary>Samples of one item need the same, so the first stands for all.</summary>
    private async Task Measure(ItemPiece piece, CancellationToken cancellationToken)
    {
        var firsts = piece.FirstsOfItems();
        var measures = await measurer.Measure([.. firsts.Select(first => piece.Specs[first])], cancellationToken);
        for (var i = 0; i < firsts.Count; i++)
        {
            if (measures?[i].Failure is { } failure) _errors.Add(piece.Lines[firsts[i]], new ItemError(piece.TextFields[firsts[i]], failure.Message));
            var count = (i + 1 < firsts.Count ? firsts[i + 1] : piece.Specs.Count) - firsts[i];
            CountPositions(measures?[i].Positions ?? MinPositions(piece.Specs[firsts[i]]), count);
        }
    }

    private void CountPositions(long positions, int count)
    {
        lock (_lineOf)
        {
            MaxPositions = Math.Max(MaxPositions, positions);
            SumPositions += positions * count;
        }
    }

    private static long MinPositions(ItemSpec item) => item.Image is { } image
        ? new LatentSize(image.LatentHeight, image.LatentWidth).MinPositions
        : item.Chat!.MaxNewTokens;

    private Task EnsureOpen(CancellationToken cancellationToken)
    {
        lock (_inFlight) return _opened ??= cluster.Repeat(() => cluster.Grain<IGenerationJob>(id.Value).Open(spec), cancellationToken);
    }
}
