using System.ComponentModel.DataAnnotations;
using Emu3.Storage.Blobs;
using Emu3.Storage.Clocks;
using Emu3.Storage.Embedded;
using Emu3.Storage.Objects;
using Emu3.Storage.Postgres;

namespace Emu3.Storage;

/// <summary>Section <c>Cluster</c>: which cluster a silo or a client belongs to, and where its tables and blobs are.</summary>
public sealed class ClusterConnection : IValidatableObject
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Cluster";

    /// <summary>Tables in SQLite files of a folder.</summary>
    public const string Embedded = "Embedded";

    /// <summary>Tables in a PostgreSQL database.</summary>
    public const string Postgres = "Postgres";

    /// <summary>Blobs as files of a folder.</summary>
    public const string Folder = "folder";

    /// <summary>Blobs as objects of a store that speaks Amazon's S3.</summary>
    public const string ObjectStore = "s3";

    /// <summary>So long a process that starts waits for an object store that does not answer yet.</summary>
    private static readonly TimeSpan s_objectStoreWait = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Where membership, grain state and reminders are kept. <c>Embedded</c>: SQLite files in <see cref="DataFolder"/>, for processes of one machine.
    /// <c>Postgres</c>: the database of <see cref="ConnectionString"/> or <see cref="ConnectionStringFile"/>.
    /// </summary>
    [RegularExpression($"{Embedded}|{Postgres}", ErrorMessage = $"Cluster:Provider must be {Embedded} or {Postgres}.")]
    public string Provider { get; set; } = Embedded;

    /// <summary>For <c>Postgres</c>, as <c>Host=db;Database=emu3;Username=emu3;Password=…</c>. A file keeps a secret better.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>For <c>Postgres</c>: a file that holds the connection string, as a mounted secret.</summary>
    public string? ConnectionStringFile { get; set; }

    /// <summary>Folder of the embedded provider, on a local disk. Default: the user's data folder for this program.</summary>
    [Required]
    public string DataFolder { get; set; } = Storage.DataFolder.DefaultPath;

    /// <summary>
    /// Where checkpoints and results are kept. <c>folder</c>: in <see cref="BlobFolder"/>. <c>s3</c>: in the object store of <see cref="S3"/>, so that no folder has to be
    /// shared.
    /// </summary>
    [RegularExpression($"{Folder}|{ObjectStore}", ErrorMessage = $"Cluster:Blobs must be {Folder} or {ObjectStore}.")]
    public string Blobs { get; set; } = Folder;

    /// <summary>
    /// For <see cref="Blobs"/> = <c>folder</c>: folder of checkpoints and results, the same one for all processes of the cluster; may be on a network file system.
    /// Default: <c>blobs</c> in <see cref="DataFolder"/>.
    /// </summary>
    public string? BlobFolder { get; set; }

    /// <summary>For <see cref="Blobs"/> = <c>s3</c>: the object store.</summary>
    public ObjectStoreOptions S3 { get; set; } = new();

    /// <summary>
    /// Silos and clients of one id form one cluster. A single process takes a new one at each start, so that it need not wait
    /// until its predecessor is known to be dead.
    /// </summary>
    [Required]
    public string ClusterId { get; set; } = "emu3";

    /// <summary>Owner of state and reminders: stays the same for ever.</summary>
    [Required]
    public string ServiceId { get; set; } = "emu3";

    /// <summary>
    /// For <c>Postgres</c>: so long a process that starts waits for a database that does not answer yet, or that has not the tables of this program yet
    /// (<c>emu3 database apply</c>). Then it ends with an error. Default: 5 minutes; 0 does not wait.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan DatabaseWait { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Folders whose disks this process fills, by what is in them.</summary>
    public IReadOnlyList<(string Role, string Path)> Folders => Blobs == ObjectStore ? [] : [("blobs", BlobPath)];

    /// <summary>The folder of the blobs, where they are in one.</summary>
    public string BlobPath => Path.GetFullPath(string.IsNullOrWhiteSpace(BlobFolder) ? Path.Combine(DataFolder, "blobs") : BlobFolder);

    /// <summary>Opens the blobs. Whether they can be used, <see cref="EnterAsync"/> finds out.</summary>
    public IBlobStore OpenBlobs() => Blobs == ObjectStore ? new S3BlobStore(S3) : new FolderBlobStore(BlobPath);

    /// <summary>A cluster of one process on a folder that it has locked.</summary>
    public static ClusterConnection SingleProcess(DataFolder folder) => new() { DataFolder = folder.FullPath, ClusterId = "emu3-" + Guid.NewGuid().ToString("N") };

    /// <summary>
    /// Joins the cluster's other processes on its data folder, until what it returns is disposed of or the process ends; or on its
    /// database, which is waited for (<see cref="DatabaseWait"/>), and needs nothing held. Silos that this process starts are newer than all that the cluster has known.
    /// </summary>
    /// <param name="tell">Gets a line for a person when something is waited for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DataFolderException">A folder can't be used, or a process runs a cluster by itself on it.</exception>
    /// <exception cref="ObjectStoreException">The object store can't be used.</exception>
    /// <exception cref="DatabaseException">The database can't be used, or has not the tables of this program in time.</exception>
    public async Task<IDisposable?> EnterAsync(Action<string> tell, CancellationToken cancellationToken = default)
    {
        var data = Provider == Postgres ? null : Storage.DataFolder.At(DataFolder);
        if (Blobs == ObjectStore) await ObjectStoreStart.RequireAsync(S3, s_objectStoreWait, tell, cancellationToken);
        else WritableFolder.Require(BlobPath, "blob folder", "Give this user the right to write there, or name another folder as Cluster:BlobFolder.");
        if (data is { } folder)
        {
            var place = folder.Share();
            SiloGenerations.Exceed(SqliteMembershipTable.ReadNewestGeneration(folder.MembershipFile, ClusterId));
            return place;
        }

        await using var database = PostgresConnection.Open(ReadConnectionString());
        SiloGenerations.Exceed(await new DatabaseWait(DatabaseWait, TimeProvider.System, tell).UntilAsync(database, async () =>
        {
            await PostgresSchema.RequireAsync(database, cancellationToken);
            return await PostgresSchema.ReadNewestGenerationAsync(database, ClusterId, cancellationToken);
        }, cancellationToken));
        return null;
    }

    /// <summary>The connection string, wherever it is.</summary>
    public string ReadConnectionString() => string.IsNullOrWhiteSpace(ConnectionStringFile) ? ConnectionString! : File.ReadAllText(ConnectionStringFile).Trim();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => ValidateProvider().Concat(ValidateBlobs());

    private IEnumerable<ValidationResult> ValidateBlobs()
    {
        if (Blobs != ObjectStore)
        {
            foreach (var (name, value) in ((string, string?)[])[(nameof(S3.Endpoint), S3.Endpoint), (nameof(S3.Bucket), S3.Bucket)])
                if (!string.IsNullOrWhiteSpace(value)) yield return new($"is for Cluster:Blobs={ObjectStore}, and Cluster:Blobs is {Blobs}.", [$"{nameof(S3)}:{name}"]);
            yield break;
        }

        if (!string.IsNullOrWhiteSpace(BlobFolder)) yield return new($"is for Cluster:Blobs={Folder}, and Cluster:Blobs is {Blobs}.", [nameof(BlobFolder)]);
        foreach (var (name, problem) in S3.Problems()) yield return new(problem, [$"{nameof(S3)}:{name}"]);
    }

    private IEnumerable<ValidationResult> ValidateProvider()
    {
        var (isString, isFile) = (!string.IsNullOrWhiteSpace(ConnectionString), !string.IsNullOrWhiteSpace(ConnectionStringFile));
        if (Provider != Postgres)
        {
            if (isString) yield return new($"is for the provider {Postgres}, and Cluster:Provider is {Provider}.", [nameof(ConnectionString)]);
            if (isFile) yield return new($"is for the provider {Postgres}, and Cluster:Provider is {Provider}.", [nameof(ConnectionStringFile)]);
        }
        else if (isString == isFile)
        {
            yield return new($"the provider {Postgres} needs one of ConnectionString and ConnectionStringFile, and {(isString ? "both are" : "neither is")} given.", [nameof(ConnectionString)]);
        }
        else if (isFile && Unreadable(ConnectionStringFile!) is { } unreadable)
        {
            yield return new($"can't be read: {unreadable}", [nameof(ConnectionStringFile)]);
        }
        else if (PostgresConnection.Check(ReadConnectionString()) is { } wrong)
        {
            yield return new($"the connection string {wrong}.", [isFile ? nameof(ConnectionStringFile) : nameof(ConnectionString)]);
        }
    }

    private static string? Unreadable(string path)
    {
        try
        {
            File.ReadAllText(path);
            return null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return refused.Message;
        }
    }
}
