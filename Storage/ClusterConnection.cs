using System.ComponentModel.DataAnnotations;

namespace Emu3.Storage;

/// <summary>Section <c>Cluster</c>: which cluster a silo or a client belongs to, and where its tables are.</summary>
public sealed class ClusterConnection
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Cluster";

    /// <summary>Where membership, grain state and reminders are kept. <c>Embedded</c>: SQLite files in <see cref="DataFolder"/>.</summary>
    [RegularExpression("Embedded", ErrorMessage = "Cluster:Provider must be Embedded.")]
    public string Provider { get; set; } = "Embedded";

    /// <summary>Folder of the embedded provider and of the blob store. Default: the user's data folder for this program.</summary>
    [Required]
    public string DataFolder { get; set; } = Storage.DataFolder.DefaultPath;

    /// <summary>
    /// Silos and clients of one id form one cluster. A single process takes a new one at each start, so that it need not wait
    /// until its predecessor is known to be dead.
    /// </summary>
    [Required]
    public string ClusterId { get; set; } = "emu3";

    /// <summary>Owner of state and reminders: stays the same for ever.</summary>
    [Required]
    public string ServiceId { get; set; } = "emu3";

    /// <summary>A cluster of one process on a folder that it has locked.</summary>
    public static ClusterConnection SingleProcess(DataFolder folder) => new() { DataFolder = folder.FullPath, ClusterId = "emu3-" + Guid.NewGuid().ToString("N") };

    /// <summary>Joins the cluster's other processes on its data folder, until what it returns is disposed of or the process ends.</summary>
    /// <exception cref="DataFolderException">The folder can't be used, or a process runs a cluster by itself on it.</exception>
    public IDisposable Enter() => Storage.DataFolder.At(DataFolder).Share();
}
